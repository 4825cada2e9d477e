# SPDX-License-Identifier: GPL-2.0-only
# bash completion for vfioscope's tools: options from the tool's own --help, and
# values where this machine knows them. Installed once under every tool's name.

_vfioscope() {
	local tool=$1 word=$2 before=$3
	case $before in
	-p | --pid)
		mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$word")
		return
		;;
	-g | --group)
		mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/kernel/iommu_groups 2>/dev/null)" -- "$word")
		return
		;;
	-d | --device)
		# A colon ends a word for bash: complete what is behind it.
		mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/bus/pci/devices 2>/dev/null)" -- "$word")
		declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$word"
		return
		;;
	--source)
		mapfile -t COMPREPLY < <(compgen -W "auto tracepoint stock" -- "$word")
		return
		;;
	--cgroup)
		mapfile -t COMPREPLY < <(compgen -d -- "${word:-/sys/fs/cgroup/}")
		return
		;;
	--web.listen-address)
		# A colon ends a word for bash here, too.
		mapfile -t COMPREPLY < <(compgen -W "127.0.0.1:18346 :18346" -- "$word")
		declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$word"
		return
		;;
	-w | --replay)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	esac
	[[ $word == -* ]] || return
	mapfile -t COMPREPLY < <(compgen -W "$("$tool" --help 2>/dev/null |
		grep -Eo -- '(^|[ ,])--?[a-zA-Z0-9]([a-z.-]*[a-z])?' | tr -d ' ,' | sort -u)" -- "$word")
}

# The file bears the name of the tool.
complete -F _vfioscope "${BASH_SOURCE[0]##*/}"
