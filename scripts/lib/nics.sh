# What scripts/bind-nic knows of a machine's NICs: their drivers, interfaces and users. It changes nothing.
# shellcheck shell=bash disable=SC2154
devices=$sys/bus/pci/devices

is_user_driver() { [[ $1 == vfio-pci || $1 == uio_pci_generic || $1 == igb_uio ]]; }
is_nic() { [[ $(first_line "$devices/$1/class") == 0x02* ]]; }

# The last part of a link's target: a driver's or a group's name; nothing where there is no link.
link_name() {
    local to
    to=$(readlink "$1") || return 0
    echo "${to##*/}"
}
driver_of() { link_name "$devices/$1/driver"; }

# The interfaces of a NIC: those whose device is it, or is below it as a virtio NIC's is.
interfaces_of() {
    local home interface
    home=$(readlink -f "$devices/$1")
    for interface in "$sys"/class/net/*; do
        if [[ $(readlink -f "$interface/device")/ == "$home"/* ]]; then echo "${interface##*/}"; fi
    done
}

# The PCI address that a word means: itself, without its domain, or the device of an interface.
address_of() {
    local word=$1 path
    if [[ $word =~ ^([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]$ ]]; then
        word=${word,,}
        if [[ $word != *:*:* ]]; then word=0000:$word; fi
        if [[ -e $devices/$word ]]; then echo "$word"; fi
        return
    fi
    [[ -n $word && -e $sys/class/net/$word/device ]] || return 0
    path=$(readlink -f "$sys/class/net/$word/device")
    while [[ $path == */* ]]; do
        if [[ -e $devices/${path##*/} ]]; then
            echo "${path##*/}"
            return
        fi
        path=${path%/*}
    done
}

# Interfaces and what is built on them: bonds, bridges, VLANs, one above the other.
with_uppers() {
    local waiting=("$@") seen=' ' upper
    while ((${#waiting[@]} > 0)); do
        if [[ $seen != *" ${waiting[0]} "* ]]; then
            echo "${waiting[0]}"
            seen+="${waiting[0]} "
            for upper in "$sys/class/net/${waiting[0]}"/upper_*; do
                if [[ -L $upper ]]; then waiting+=("${upper##*/upper_}"); fi
            done
        fi
        waiting=("${waiting[@]:1}")
    done
}

# All tables' routes, each behind its family. A machine whose routes can't be read is left alone.
read_routes() {
    local four six
    command -v ip >/dev/null || fail "there is no ip here (Debian: apt install iproute2): routes can't be read"
    four=$(ip -o -4 route show table all | sed 's/^/IPv4 /') || fail "the routes of IPv4 can't be read"
    six=$(ip -o -6 route show table all | sed 's/^/IPv6 /') || fail "the routes of IPv6 can't be read"
    routes=$four$'\n'$six
}

# The family of the first route by an interface, also as one of several next hops, whose destination fits a pattern.
# Those to itself, to groups and to nowhere have their kind in the destination's place.
route_by() {
    awk -v name="$1" -v wanted="$2" '$2 ~ wanted && $2 !~ /^fe80:/ {
        for (i = 3; i < NF; i++) if ($i == "dev" && $(i + 1) == name) {print $1; exit}
    }' <<<"$routes"
}

# The first of the interfaces that a default route leads through.
default_route_by() {
    local interface family
    for interface in "$@"; do
        family=$(route_by "$interface" '^default$')
        if [[ -n $family ]]; then
            echo "the default route ($family) by $interface"
            return
        fi
    done
}

# What interfaces are used for, other than the default route; nothing when their NIC may be taken away.
use_of() {
    local interface
    for interface in "$@"; do
        if ip -o address show dev "$interface" scope global | grep -q .; then
            echo "$interface has addresses"
        elif [[ -n $(route_by "$interface" '[.:]') ]]; then
            echo "$interface has routes"
        elif compgen -G "$sys/class/net/$interface/upper_*" >/dev/null; then
            echo "$interface belongs to $(basename -a "$sys/class/net/$interface"/upper_* | sed 's/^upper_//' | xargs)"
        else
            continue
        fi
        return
    done
}

# A process that has the NIC open by vfio: to take the NIC away would wait for its end.
holder_of() {
    local group link
    group=$(link_name "$devices/$1/iommu_group")
    [[ -n $group ]] || return 0
    link=$(find "$proc"/[0-9]*/fd -maxdepth 1 \( -lname "/dev/vfio/$group" -o -lname "/dev/vfio/noiommu-$group" \) -print -quit 2>/dev/null) || true
    link=${link#"$proc/"}
    if [[ -n $link ]]; then echo "process ${link%%/*} ($(first_line "$proc/${link%%/*}/comm"))"; fi
}

# The others of a NIC's IOMMU group that a driver of the kernel has; bridges don't matter to vfio.
group_mates() {
    local mate driver
    for mate in "$devices/$1"/iommu_group/devices/*; do
        mate=${mate##*/}
        [[ -e $devices/$mate && $mate != "$1" && $(first_line "$devices/$mate/class") != 0x0604* ]] || continue
        driver=$(driver_of "$mate")
        if [[ -n $driver ]] && ! is_user_driver "$driver"; then echo "$mate ($driver)"; fi
    done | paste -sd, | sed 's/,/, /g'
}
