# SPDX-License-Identifier: GPL-2.0-only
"""What the dashboards show: each a list of rows, a row a list of panels. `grafana`
makes Grafana's JSON of it.

A panel is its title, its unit as Grafana calls it, the queries with their legends,
and what it means. $instance is the hosts that are chosen.
"""

from collections import namedtuple

Panel = namedtuple("Panel", "title unit queries help kind", defaults=["timeseries"])

HOST = {
    "uid": "vfioscope-host",
    "title": "VFIO: one host",
    "several": False,
    "rows": {
        "Now": [
            Panel("Containers", "none", {"count(vfio_pinned_bytes{instance=~\"$instance\"}) or vector(0)": ""},
                  "Containers that are open.", "stat"),
            Panel("Pinned", "bytes", {"sum(vfio_pinned_bytes{instance=~\"$instance\"})": ""},
                  "Memory that devices can reach.", "stat"),
            Panel("Unaccounted users", "none", {"sum(vfio_unaccounted_users{instance=~\"$instance\"})": ""},
                  "Anything but 0 is a leak, or hidden: vfioholders.", "stat"),
            Panel("Waiting in unbind", "none", {"sum(vfio_unbind_waiting{instance=~\"$instance\"})": ""},
                  "Tasks that wait for a device.", "stat"),
            Panel("Longest map in flight", "s", {"max(vfio_inflight_map_seconds{instance=~\"$instance\"})": ""},
                  "0 without one.", "stat"),
            Panel("Attached", "bool_on_off", {"vfio_exporter_attached{instance=~\"$instance\"}": ""},
                  "Whether vfio is loaded and heard.", "stat"),
        ],
        "Maps and unmaps": [
            Panel("Calls a second", "ops", {
                "rate(vfio_dma_map_duration_seconds_count{instance=~\"$instance\"}[$__rate_interval])": "map",
                "rate(vfio_dma_unmap_duration_seconds_count{instance=~\"$instance\"}[$__rate_interval])": "unmap",
            }, "Those that worked."),
            Panel("How long they take", "s", {
                "histogram_quantile(0.5, rate(vfio_dma_map_duration_seconds_bucket{instance=~\"$instance\"}[$__rate_interval]))": "map p50",
                "instance:vfio_dma_map_duration_seconds:p99_rate5m{instance=~\"$instance\"}": "map p99",
                "instance:vfio_dma_unmap_duration_seconds:p99_rate5m{instance=~\"$instance\"}": "unmap p99",
            }, "vfiolat says where the time goes."),
            Panel("Bytes mapped a second", "Bps", {
                "rate(vfio_dma_mapped_bytes_total{instance=~\"$instance\"}[$__rate_interval])": "mapped",
            }, "A VM's start is a peak as high as its memory."),
            Panel("Maps that fail", "ops", {
                "rate(vfio_dma_map_failures_total{instance=~\"$instance\"}[$__rate_interval])": "{{errno}}",
            }, "vfiosnoop -x says why, in words."),
        ],
        "Containers": [
            Panel("Pinned", "bytes", {"vfio_pinned_bytes{instance=~\"$instance\"}": "{{container}} {{vm}}"},
                  "By container and VM."),
            Panel("Locked memory, of what is allowed", "percentunit", {
                "container:vfio_locked_vm_bytes:ratio{instance=~\"$instance\"}": "{{container}} {{vm}}"},
                  "Of the process, where a limit applies. At 1 maps fail with ENOMEM."),
            Panel("Mappings, of those allowed", "percentunit", {
                "container:vfio_mappings:ratio{instance=~\"$instance\"}": "{{container}} {{vm}}"},
                  "At 1 maps fail with ENOSPC (dma_entry_limit)."),
            Panel("Maps in flight", "s", {
                "vfio_inflight_map_seconds{instance=~\"$instance\"}": "{{container}} {{vm}}"},
                  "How long each goes on already."),
        ],
        "Groups": [
            Panel("Users", "none", {"vfio_container_users{instance=~\"$instance\"}": "group {{group}} {{vm}}"},
                  "The attachment, each open device, users in the kernel."),
            Panel("Holders", "none", {
                "sum by (kind) (vfio_holders{instance=~\"$instance\"})": "{{kind}}",
                "sum(vfio_external_users{instance=~\"$instance\"})": "external users",
            }, "vfioholders names them."),
            Panel("Device opens, and groups that are not viable", "none", {
                "vfio_device_opens{instance=~\"$instance\"}": "{{device}}",
                "vfio_group_viable{instance=~\"$instance\"} == 0": "not viable: {{group}}",
            }, "A group with a driver of the host cannot be used."),
            Panel("IOMMU faults a second", "ops", {
                "rate(vfio_iommu_faults_total{instance=~\"$instance\"}[$__rate_interval])": "{{device}}",
                "rate(vfio_iommu_faults_unlogged_total{instance=~\"$instance\"}[$__rate_interval])": "not logged",
            }, "vfiofaults says what became of the address."),
        ],
    },
}

FLEET = {
    "uid": "vfioscope-fleet",
    "title": "VFIO: the fleet",
    "several": True,
    "rows": {
        "Now": [
            Panel("Hosts", "none", {"count(vfio_exporter_attached{instance=~\"$instance\"})": ""},
                  "That have an exporter.", "stat"),
            Panel("Hosts that are not heard", "none", {
                "count(vfio_exporter_attached{instance=~\"$instance\"} == 0) or vector(0)": ""},
                  "vfio is not loaded there, or was let go of.", "stat"),
            Panel("Pinned", "bytes", {"sum(vfio_pinned_bytes{instance=~\"$instance\"})": ""}, "On all hosts.", "stat"),
            Panel("Unaccounted users", "none", {"sum(vfio_unaccounted_users{instance=~\"$instance\"})": ""},
                  "Leaks.", "stat"),
            Panel("Waiting in unbind", "none", {"sum(vfio_unbind_waiting{instance=~\"$instance\"})": ""},
                  "Tasks that wait for a device.", "stat"),
            Panel("Groups that are not viable", "none", {
                "count(vfio_group_viable{instance=~\"$instance\"} == 0) or vector(0)": ""},
                  "A driver of the host has a device of theirs.", "stat"),
        ],
        "Where to look": [
            Panel("Slowest maps", "s", {
                "topk(10, instance:vfio_dma_map_duration_seconds:p99_rate5m{instance=~\"$instance\"})": "{{instance}}"},
                  "p99, the ten highest."),
            Panel("Maps that fail", "ops", {
                "topk(10, sum by (instance, errno) (rate(vfio_dma_map_failures_total{instance=~\"$instance\"}[$__rate_interval])) > 0)":
                "{{instance}} {{errno}}"}, "The ten highest."),
            Panel("Nearest to a limit", "percentunit", {
                "topk(5, container:vfio_locked_vm_bytes:ratio{instance=~\"$instance\"})": "{{instance}} {{vm}} locked memory",
                "topk(5, container:vfio_mappings:ratio{instance=~\"$instance\"})": "{{instance}} {{vm}} mappings",
            }, "At 1 maps fail."),
            Panel("IOMMU faults a second", "ops", {
                "topk(10, instance:vfio_iommu_faults:rate5m{instance=~\"$instance\"} > 0)": "{{instance}}"},
                  "Those not logged as well."),
        ],
        "Hosts": [
            Panel("Pinned", "bytes", {"sum by (instance) (vfio_pinned_bytes{instance=~\"$instance\"})": "{{instance}}"},
                  "By host."),
            Panel("Bytes mapped a second", "Bps", {
                "instance:vfio_dma_mapped_bytes:rate5m{instance=~\"$instance\"}": "{{instance}}"}, "By host."),
            Panel("Held without a process", "none", {
                "count by (instance) (group:vfio_container_users:without_process{instance=~\"$instance\"})": "{{instance}}",
                "sum by (instance) (vfio_unaccounted_users{instance=~\"$instance\"}) > 0": "{{instance}} unaccounted"},
                  "Groups in use that no process has."),
            Panel("Versions", "none", {
                "count by (version, kernel) (vfio_exporter_build_info{instance=~\"$instance\"})": "{{version}} on {{kernel}}",
                "count by (source) (vfio_exporter_source_info{instance=~\"$instance\"})": "{{source}}",
            }, "Of the exporter and the kernel; where events come from."),
        ],
    },
}

DASHBOARDS = {"vfio-host": HOST, "vfio-fleet": FLEET}
