#!/usr/bin/env bash
# Removes from the machine what belongs to the build or to this one machine; prove.sh then looks.
LOGIN=${LOGIN:-ubuntu}

# shellcheck source=ami/setup/common.sh
. "${FOLDER:?}/common.sh"

HOME_OF_LOGIN=$(getent passwd "$LOGIN" | cut -d: -f6)

echo "==> the last deadline lives in memory only"
systemd-run --quiet --on-active=1800 --unit=ami-build-last-deadline systemctl poweroff

echo "==> the build's deadline"
systemctl disable --now "${DEADLINE:?}.timer"
rm -rf "/etc/systemd/system/$DEADLINE.timer" "/etc/systemd/system/$DEADLINE.service" \
    "/usr/local/sbin/$DEADLINE" "/var/lib/$DEADLINE"
systemctl daemon-reload

echo "==> packages' leftovers"
apt-get clean
rm -rf /var/lib/apt/lists/*

echo "==> credentials and history"
for home in /root "$HOME_OF_LOGIN"; do
    rm -rf "$home"/.ssh/authorized_keys "$home"/.ssh/known_hosts "$home"/.bash_history \
        "$home"/.python_history "$home"/.lesshst "$home"/.viminfo "$home"/.wget-hsts "$home"/.aws \
        "$home"/.docker/config.json "$home"/.netrc "$home"/.git-credentials "$home"/.cache
done
rm -f /etc/ssh/ssh_host_*

echo "==> this machine's identity and logs"
cloud-init clean --logs --seed
rm -rf /var/lib/cloud
truncate --size 0 /etc/machine-id
rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed
journalctl --rotate --vacuum-time=1s --quiet || true
rm -rf /var/log/journal/*
find /var/log -type f -exec truncate --size 0 {} +
find /var/log -type f \( -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' \) -delete
find /tmp -mindepth 1 -delete 2>/dev/null || true
rm -rf "$FOLDER"
find /var/tmp -mindepth 1 -delete 2>/dev/null || true
sync
