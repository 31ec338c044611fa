// SPDX-License-Identifier: GPL-3.0-or-later
#include "completion.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

#include "failure.h"

namespace signet::app::cli {

namespace {

struct Word {
  std::string text;
  std::string description;
  std::string values;  ///< of an option, with blanks between them; empty: any, or a file
  bool takes_value = false;
};

/// One command: its words may follow it. `path` is empty for the program itself, else "cert add".
struct Node {
  std::string path;
  std::vector<Word> commands;
  std::vector<Word> options;
  bool takes_file = false;  ///< a positional of its own
};

/// "{table,json}" in the type of an option that has a fixed set.
std::string values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{');
  const std::size_t end = type.find('}', std::min(begin, type.size()));
  if (begin == std::string::npos || end == std::string::npos) {
    return {};
  }
  std::string values = type.substr(begin + 1, end - begin - 1);
  std::ranges::replace(values, ',', ' ');
  return values;
}

Node node_of(const CLI::App& app, const std::string& path) {
  Node node{.path = path, .commands = {}, .options = {}};
  for (const CLI::App* const command : app.get_subcommands([](const CLI::App*) { return true; })) {
    node.commands.push_back({.text = command->get_name(), .description = command->get_description(), .values = {}});
  }
  for (const CLI::Option* const option : app.get_options()) {
    if (option->get_positional()) {
      node.takes_file = node.takes_file || option->get_name(true).find("FILE") != std::string::npos;
      continue;
    }
    for (const std::string& name : option->get_lnames()) {
      node.options.push_back({.text = "--" + name,
                              .description = option->get_description(),
                              .values = values_of(*option),
                              .takes_value = option->get_items_expected_max() > 0});
    }
  }
  return node;
}

void collect(const CLI::App& app, const std::string& path, std::vector<Node>& nodes) {
  nodes.push_back(node_of(app, path));
  for (const CLI::App* const command : app.get_subcommands([](const CLI::App*) { return true; })) {
    collect(*command, path.empty() ? command->get_name() : fmt::format("{} {}", path, command->get_name()), nodes);
  }
}

std::string join(const std::vector<Word>& words) {
  std::string out;
  for (const Word& word : words) {
    out += fmt::format("{}{}", out.empty() ? "" : " ", word.text);
  }
  return out;
}

/// For a shell's single quotes.
std::string in_quotes(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return fmt::format("'{}'", out);
}

std::string bash_cases(const std::vector<Node>& nodes) {
  std::string out;
  for (const Node& node : nodes) {
    out += fmt::format("    {}) commands={} options={} files={} ;;\n", in_quotes(node.path), in_quotes(join(node.commands)),
                       in_quotes(join(node.options)), node.takes_file ? 1 : 0);
  }
  return out;
}

/// Options with a fixed set of values, each once.
std::string bash_values(const std::vector<Node>& nodes) {
  std::vector<std::string> lines;
  for (const Node& node : nodes) {
    for (const Word& option : node.options) {
      std::string line =
          fmt::format("    {}) COMPREPLY=($(compgen -W {} -- \"$word\")); return ;;\n", option.text, in_quotes(option.values));
      if (!option.values.empty() && std::ranges::find(lines, line) == lines.end()) {
        lines.push_back(std::move(line));
      }
    }
  }
  std::string out;
  for (const std::string& line : lines) {
    out += line;
  }
  return out;
}

/// zsh reads the same, through its own bridge.
std::string bash_script(const std::vector<Node>& nodes) {
  std::string paths;
  for (const Node& node : nodes) {
    paths += node.path.empty() ? std::string() : fmt::format("{}{}", paths.empty() ? "" : "|", in_quotes(node.path));
  }
  return fmt::format(R"(_signet() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} path= next i commands= options= files=0
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="${{path:+$path }}${{COMP_WORDS[i]}}"
    case "$next" in
      {}) path=$next ;;
    esac
  done
  case "$before" in
{}    --*-file|--state-directory) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  case "$path" in
{}  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    COMPREPLY=($(compgen -W "$commands" -- "$word"))
    if [[ $files == 1 ]]; then
      COMPREPLY+=($(compgen -f -- "$word"))
    fi
  fi
}}
complete -o filenames -F _signet signet
)",
                     paths, bash_values(nodes), bash_cases(nodes));
}

std::string zsh_script(const std::vector<Node>& nodes) {
  return "#compdef signet\nautoload -U +X bashcompinit && bashcompinit\n" + bash_script(nodes);
}

/// A condition: exactly these commands stand on the line.
std::string fish_condition(const Node& node) {
  std::string condition;
  for (std::size_t begin = 0; begin < node.path.size();) {
    const std::size_t end = std::min(node.path.find(' ', begin), node.path.size());
    condition += fmt::format("{}__fish_seen_subcommand_from {}", condition.empty() ? "" : "; and ", node.path.substr(begin, end - begin));
    begin = end + 1;
  }
  if (condition.empty()) {
    return "__fish_use_subcommand";
  }
  if (!node.commands.empty()) {
    condition += fmt::format("; and not __fish_seen_subcommand_from {}", join(node.commands));
  }
  return condition;
}

std::string fish_script(const std::vector<Node>& nodes) {
  std::string out = "complete -c signet -f\n";
  for (const Node& node : nodes) {
    const std::string condition = fish_condition(node);
    for (const Word& command : node.commands) {
      out += fmt::format("complete -c signet -n {} -a {} -d {}\n", in_quotes(condition), command.text, in_quotes(command.description));
    }
    for (const Word& option : node.options) {
      const std::string value = !option.values.empty() ? fmt::format(" -x -a {}", in_quotes(option.values))
                                : option.takes_value   ? " -r -F"
                                                       : "";
      out += fmt::format("complete -c signet -n {} -l {}{} -d {}\n", in_quotes(condition), option.text.substr(2), value,
                         in_quotes(option.description));
    }
    if (node.takes_file) {
      out += fmt::format("complete -c signet -n {} -F\n", in_quotes(condition));
    }
  }
  return out;
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& shell) {
  std::vector<Node> nodes;
  collect(app, {}, nodes);
  if (shell == "bash") {
    return bash_script(nodes);
  }
  if (shell == "zsh") {
    return zsh_script(nodes);
  }
  if (shell == "fish") {
    return fish_script(nodes);
  }
  throw Failure(fmt::format("shell {}: expected bash, zsh or fish", shell));
}

}  // namespace signet::app::cli
