# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of bench/peers.py: who is measured (gateways, origin), what (rows), how (machine, measure), what is told (report, chart)."""
