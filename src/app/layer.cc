// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the library of this layer buildable until its first source arrives; delete this file then.
namespace signet::app {}
