# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks behind tests/hygiene.py. Each is a function from a Tree to its findings; none changes anything."""
