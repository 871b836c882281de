#!/bin/sh
# Starts a machine: a root of its own, in its own process and mount namespaces, with a real sshd.
# boot.sh ROOT SSHD PORT
set -eu
root=$1 sshd=$2 port=$3
mount --bind "$root" "$root"
cd "$root"
mount --bind -o ro /usr usr
mount --bind local usr/local
mount --bind /dev dev
mount --bind -o ro "$sshd" sshd
mount -t proc proc proc
mount --bind recorder/boot_id proc/sys/kernel/random/boot_id
exec chroot . /bin/sh /recorder/init "$port"
