# SPDX-License-Identifier: GPL-3.0-or-later
"""Micro benchmarks: run, remembered per machine, compared. See bench/micro.py."""


class MicroError(Exception):
    """Something that has to be put right before anything can be measured; one sentence for whoever runs it."""
