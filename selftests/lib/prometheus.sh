# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Where Prometheus and promtool are, which selftests/vm/deps unpacks; sourced.

prometheus_root=${VFIOSCOPE_CACHE:-/var/cache/vfioscope}/prometheus
PATH=$PATH:$prometheus_root/usr/bin
# shellcheck disable=SC2034 # for who sources it
prometheus_pages=$prometheus_root/usr/share/prometheus/web/
