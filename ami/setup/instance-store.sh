#!/usr/bin/env bash
# Mounts the instance's own NVMe disks at each boot, before Docker starts: one file system over all of
# them at /mnt/instance-store, with Docker's data and a scratch folder. The disks are empty after each
# stop of the instance. On a machine without such disks it changes nothing.
set -euo pipefail

MOUNT=${MOUNT:-/mnt/instance-store}
LABEL=instance-store
ARRAY=${ARRAY:-/dev/md/instance-store}
DOCKER_FOLDERS=${DOCKER_FOLDERS:-/var/lib/docker /var/lib/containerd}
LOGIN=${LOGIN:-ubuntu}

# AWS's deep learning images mount these disks themselves at this path.
DLAMI_MOUNT=${DLAMI_MOUNT:-/opt/dlami/nvme}

disks() {
    lsblk --nodeps --noheadings --paths --output NAME,MODEL |
        awk '/Amazon EC2 NVMe Instance Storage/ { print $1 }' | sort
}

# Blank disks only: existing data stays.
blank() {
    local disk found
    while read -r disk; do
        found=0
        blkid --probe "$disk" >/dev/null || found=$? # 2: no data found
        if [[ $found == 2 && -z $(lsblk --noheadings --output MOUNTPOINT "$disk") ]]; then
            echo "$disk"
        else
            echo "$disk is in use and is left alone" >&2
        fi
    done
}

made() {
    local disks=() device
    mapfile -t disks < <(disks)
    ((${#disks[@]})) || return 0
    # After a reboot the file system exists, on a disk or on the array of disks.
    while read -r device; do
        if [[ $(blkid --probe --match-tag LABEL --output value "$device") == "$LABEL" ]]; then
            echo "$device"
            return
        fi
    done < <(lsblk --list --noheadings --paths --output NAME "${disks[@]}")
    mapfile -t disks < <(printf '%s\n' "${disks[@]}" | blank)
    case ${#disks[@]} in
    0) return ;;
    1) device=${disks[0]} ;;
    *)
        device=$ARRAY
        mdadm --create "$device" --run --force --level 0 --raid-devices "${#disks[@]}" \
            "${disks[@]}" >&2
        ;;
    esac
    # without discard and zeroing, terabytes are ready in a second
    mkfs.ext4 -q -F -L "$LABEL" -m 0 -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 "$device" >&2
    echo "$device"
}

home=$(getent passwd "$LOGIN" | cut -d: -f6)
device=
if mountpoint --quiet "$DLAMI_MOUNT"; then
    mkdir -p "$MOUNT"
    mountpoint --quiet "$MOUNT" || mount --bind "$DLAMI_MOUNT" "$MOUNT"
elif ! mountpoint --quiet "$MOUNT"; then
    udevadm settle --timeout 30 || true
    device=$(made)
    if [[ -z $device ]]; then
        echo "no instance store here: Docker's data and all else stay on the root disk"
        rm -f "$home/scratch"
        exit
    fi
    mkdir -p "$MOUNT"
    mount -o noatime "$device" "$MOUNT"
fi

for folder in $DOCKER_FOLDERS; do
    mountpoint --quiet "$folder" && continue
    mkdir -p "$MOUNT/${folder##*/}" "$folder"
    chmod 0711 "$MOUNT/${folder##*/}"
    mount --bind "$MOUNT/${folder##*/}" "$folder"
done
install -d -m 1777 "$MOUNT/scratch"
ln -sfn "$MOUNT/scratch" "$home/scratch"
echo "$MOUNT: $(df --human-readable --output=avail "$MOUNT" | tail -n 1 | tr -d ' ') free"
