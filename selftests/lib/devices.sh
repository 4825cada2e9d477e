# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Gives the VM's devices to vfio-pci and takes them back; sourced.

DEVICES="0000:00:10.0 0000:00:11.0 0000:00:12.0 0000:00:14.0 0000:01:00.0 0000:01:00.1"
# Without an IOMMU there is nobody to give them to.
case ${VFIOSCOPE_IOMMU-} in none | off) DEVICES= ;; esac

devices_bind() {
	local bdf
	modprobe vfio_iommu_type1 || return
	modprobe vfio-pci || return
	modprobe vfio_testdev || echo "# no vfio_testdev: tests of emulated devices will fail"
	for bdf in $DEVICES; do
		[ ! -e "/sys/bus/pci/devices/$bdf/driver" ] ||
			echo "$bdf" >"/sys/bus/pci/devices/$bdf/driver/unbind"
		echo vfio-pci >"/sys/bus/pci/devices/$bdf/driver_override"
		echo "$bdf" >/sys/bus/pci/drivers_probe
		[ -e "/sys/bus/pci/drivers/vfio-pci/$bdf" ] || return
	done
}

# Every module of ours must go when nobody uses it.
devices_release() {
	local bdf module refs
	for bdf in $DEVICES; do
		echo "$bdf" >"/sys/bus/pci/devices/$bdf/driver/unbind" || return
		echo >"/sys/bus/pci/devices/$bdf/driver_override"
	done
	modprobe -qr kvm_amd
	for module in vfio_testdev vfio-pci vfio_virqfd vfio_iommu_type1 vfio; do
		modprobe -r "$module" 2>/dev/null
	done
	for module in vfio_testdev vfio_pci vfio_pci_core vfio_iommu_type1 vfio_virqfd vfio; do
		[ ! -e "/sys/module/$module" ] || {
			refs=$(cat "/sys/module/$module/refcnt")
			echo "# $module stays, refcnt $refs"
			return 1
		}
	done
}
