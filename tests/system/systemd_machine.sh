#!/bin/sh
# Runs systemd as PID 1 over an overlay of /; called by systemd_machine.py, which says why. As root.
#
#   systemd_machine.sh boot BASE CGROUP [SOURCE TARGET]...   become the parent of that systemd
#   systemd_machine.sh sweep BASE CGROUP                     remove the control groups it leaves behind
#
# BASE is an empty folder. The caller gives a private mount namespace, so every mount made here ends with it. Each
# SOURCE (a folder of this machine) is seen read-only at TARGET in there.
set -eu

UNITS="basic.target sysinit.target multi-user.target network.target network-online.target time-sync.target
    shutdown.target umount.target final.target poweroff.target systemd-poweroff.service
    systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket"

boot() { # namespaces and a control group of its own, then `enter` in them
    mount -t tmpfs -o mode=755 machine "$1"
    mkdir "$1/upper" "$1/work" "$1/root" "$1/cgroup"
    mount -t cgroup2 cgroup2 "$1/cgroup"
    mkdir "$1/cgroup/$2"
    echo $$ >"$1/cgroup/$2/cgroup.procs"
    exec unshare --pid --fork --kill-child --mount --uts --ipc --cgroup --net sh "$0" enter "$@"
}

enter() {
    base=$1
    shift 2
    mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
    while [ $# -gt 0 ]; do
        mkdir -p "$base/root$2"
        mount --bind "$1" "$base/root$2"
        mount -o remount,bind,ro "$base/root$2"
        shift 2
    done
    cd "$base/root"
    mount_kernel
    mount_devices
    choose_units
    mkdir -p .machine
    pivot_root . .machine
    umount -l /.machine
    mount --make-rshared / # else the folder of credentials stays empty
    exec env -i container=machine SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/systemd/system \
        /lib/systemd/systemd --system --unit=multi-user.target --show-status=no </dev/null
}

mount_kernel() { # settings of the kernel that have no namespace stay out of reach
    mount -t proc proc proc
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 run run
    mount -t tmpfs -o mode=1777 tmp tmp
    mount -t tmpfs -o mode=755 log var/log
}

mount_devices() {
    mount -t tmpfs -o mode=755 dev dev
    for device in null zero full random urandom tty; do
        touch dev/$device
        mount --bind /dev/$device dev/$device
    done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
    mount -t tmpfs -o mode=1777 shm dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
}

choose_units() { # a journal and targets: nothing of the real machine's services is even known in there
    mount -t tmpfs -o mode=755 units etc/systemd/system
    for unit in $UNITS; do cp "lib/systemd/system/$unit" etc/systemd/system/; done
    mkdir etc/systemd/system/sysinit.target.wants
    ln -s ../systemd-journald.service etc/systemd/system/sysinit.target.wants/
}

sweep() {
    mount -t cgroup2 cgroup2 "$1"
    [ ! -d "$1/$2" ] || find "$1/$2" -depth -type d -exec rmdir {} +
}

"$@"
