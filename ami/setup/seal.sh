#!/usr/bin/env bash
# Removes everything that belongs to the build or to this machine only; then prove.sh checks it.
# shellcheck source=ami/setup/common.sh
. "${FOLDER:?}/common.sh"

echo "==> the last deadline lives in memory only"
systemd-run --quiet --on-active=1800 --unit=ami-build-last-deadline systemctl poweroff

echo "==> the build's deadline"
if systemctl cat "$DEADLINE.timer" >/dev/null 2>&1; then
    systemctl disable --now "$DEADLINE.timer"
fi

# Enabled, not started: the next boot starts them, so nothing runs apt before it. Packages that `hold`
# in setup.sh holds (kernel, driver, Docker) are not upgraded.
echo "==> security updates on again"
cat >/etc/apt/apt.conf.d/52sandbox-security-updates <<'CONF'
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
CONF
systemctl enable --quiet "${UNATTENDED[@]}"

# From now on nothing may write to the disk: the journal goes to memory, syslog stops, and the shutdown
# saves no random seed, which every instance of the image would share. The next boot restores all
# three, because /run is empty after a boot.
echo "==> logs and random seed stay in memory"
journalctl --relinquish-var
systemctl stop --quiet syslog.socket rsyslog.service || true
mkdir -p /run/systemd/system/systemd-random-seed.service.d
printf '[Service]\nExecStop=\n' >/run/systemd/system/systemd-random-seed.service.d/no-save.conf

echo "==> logs and leftovers"
cloud-init clean --logs --seed
apt_get clean
install -D -m 0644 "$FOLDER/common.sh" /run/ami-build/common.sh # for prove.sh
mapfile -t left < <(leftovers)
rm -rf "${left[@]}"
systemctl daemon-reload
truncate --size 0 /etc/machine-id
find /var/log -type f \( -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' \) -delete
find /var/log -type f -exec truncate --size 0 {} +
find /tmp /var/tmp -mindepth 1 -delete 2>/dev/null || true
sync
