#!/bin/sh
# Runs the registry and the engine in the mount and PID namespaces that unshare made: whatever they
# mount or start is gone with this shell's process, even if it is killed.
# usage: namespace.sh up ENGINE_CONFIG REGISTRY_CONFIG HOSTS ADDRESS [DISK DATA_ROOT]
#        namespace.sh node NAME ENGINE_CONFIG DISK DATA_ROOT
#        namespace.sh switch REGISTRY_CONFIG
#        namespace.sh thaw|sweep CGROUP
set -eu

# A fresh chroot has no control groups mounted.
mount_cgroups() {
    if [ -n "$(ls -A /sys/fs/cgroup)" ]; then return; fi
    if ! awk 'NR > 1 && $2 != 0 {v1 = 1} END {exit !v1}' /proc/cgroups; then
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        return
    fi
    mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    for controller in $(awk 'NR > 1 && $2 != 0 && $4 == 1 {print $1}' /proc/cgroups); do
        mkdir "/sys/fs/cgroup/$controller"
        # Controllers mounted together elsewhere can't be mounted alone.
        mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" ||
            rmdir "/sys/fs/cgroup/$controller"
    done
}

# crun has either kind of control groups, and no mixture.
leave_one_kind_of_cgroups() {
    if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
}

# The engine's processor time is counted apart from that of the worker whose tests it is for.
enter_cgroup() {
    if [ -d "${AISERVER_TESTS_GROUP-}/engines" ]; then echo 0 >"$AISERVER_TESTS_GROUP/engines/cgroup.procs"; fi
}

case $1 in
up)
    mount_cgroups
    enter_cgroup
    leave_one_kind_of_cgroups
    # containerd's shims keep their sockets here, whichever containerd they belong to.
    mkdir -p /run/containerd
    mount -t tmpfs -o mode=711 tmpfs /run/containerd
    # A small disk for the engine's data, where the lab has one: an image of a file system.
    if [ $# -gt 5 ]; then mount -o loop "$6" "$7"; fi
    docker-registry serve "$3" &
    # A mirror is asked for Docker Hub's images only. For the engine, this address is the other registries'.
    mount --bind "$4" /etc/hosts
    REGISTRY_HTTP_ADDR="$5" docker-registry serve "$3" &
    PATH=$(dirname "$0")/bin:$PATH exec docker-init -- dockerd --config-file "$2"
    ;;
node)
    # One engine of a cluster, in a network namespace of its own: swarm.py plugs in its cable.
    echo "$2" >/proc/sys/kernel/hostname
    ip link set lo up
    mount_cgroups
    enter_cgroup
    leave_one_kind_of_cgroups
    # Also the Swarm's control socket has a fixed place, whichever engine it belongs to.
    for shared in /run/containerd /run/docker; do
        mkdir -p $shared
        mount -t tmpfs -o mode=711 tmpfs $shared
    done
    mount -o loop "$4" "$5"
    # No name of the world is known there: the answer is at once that nobody serves names.
    echo "nameserver 192.168.99.1" >/run/docker/resolv.conf
    mount --bind /run/docker/resolv.conf "$(readlink -f /etc/resolv.conf)"
    exec docker-init -- dockerd --config-file "$3"
    ;;
switch)
    ip link set lo up
    ip link add switch type bridge
    ip address add 192.168.99.1/24 dev switch
    ip link set switch up
    exec docker-init -- docker-registry serve "$2"
    ;;
thaw)
    mount_cgroups
    # What a pause has frozen takes no signal, not even the last one, until it is thawed.
    find /sys/fs/cgroup -ignore_readdir_race -path "*/$2*" -name freezer.state |
        while read -r state; do
            # Its container may end just now.
            { echo THAWED >"$state"; } 2>/dev/null || true
        done
    ;;
sweep)
    mount_cgroups
    # Another lab's groups come and go meanwhile.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        if find /sys/fs/cgroup -ignore_readdir_race -depth -type d -path "*/$2*" -exec rmdir {} +; then exit; fi
        sleep 0.2
    done
    exit 1
    ;;
esac
