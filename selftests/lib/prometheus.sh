# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Where promtool is, which selftests/vm/deps unpacks; sourced.

PATH=$PATH:${VFIOSCOPE_CACHE:-/var/cache/vfioscope}/prometheus/usr/bin
