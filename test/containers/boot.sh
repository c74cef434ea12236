#!/bin/sh
# Boots the Debian below a folder as a machine: systemd as the first process of namespaces of its own, for
# everything but users, and of control groups of its own. It runs until it is killed, and then at once.
#
#   boot.sh FOLDER GROUP NETWORK      GROUP names its control groups, NETWORK is one of `ip netns`
#
# On the computer's processors it is as fast as the computer. What it shares with it is the kernel: it has the
# modules that are there, and no other.
set -eu
root=$1 group=$2 network=$3

if [ "${4:-}" != inside ]; then
  # A line is "number:controllers:group", without controllers for version 2.
  while IFS=: read -r _ controllers _; do
    top=$(awk -v one="$controllers" '
      one == "" ? $3 == "cgroup2" : $3 == "cgroup" && index("," $4 ",", "," one ",") { print $2; exit }
    ' /proc/mounts)
    own=$top/$group
    mkdir -p "$own"
    # Nothing can be put into a set without processors.
    if [ "$controllers" = cpuset ]; then
      cat "$top/cpuset.cpus" >"$own/cpuset.cpus"
      cat "$top/cpuset.mems" >"$own/cpuset.mems"
      echo 1 >"$own/cgroup.clone_children"
    fi
    echo $$ >"$own/cgroup.procs"
  done </proc/self/cgroup
  exec ip netns exec "$network" unshare --mount --uts --ipc --cgroup --pid --fork --kill-child \
    --propagation private sh "$0" "$root" "$group" "$network" inside
fi

hostname -F "$root/etc/hostname"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"

mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty kmsg; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${stream%:*}" "$root/dev/${stream#*:}"; done

groups=$root/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs "$groups"
while IFS=: read -r _ controllers _; do
  folder=${controllers#name=}
  mkdir "$groups/${folder:=unified}"
  case $controllers in
    '') mount -t cgroup2 cgroup2 "$groups/$folder" ;;
    name=*) mount -t cgroup -o "none,$controllers" cgroup "$groups/$folder" ;;
    *) mount -t cgroup -o "$controllers" cgroup "$groups/$folder" ;;
  esac
done </proc/self/cgroup
# By this file version 2 is told from version 1, which Skerry refuses. The kubelet still takes version 1 where
# its configuration says so, and here is no other.
touch "$groups/cgroup.controllers"

# Parameters that belong to the whole kernel are files of the machine's own: they can be set, to no effect.
own=$root/run/kernel-parameters
mkdir -p "$own/neigh/default"
for key in net/core/rmem_max net/core/wmem_max net/netfilter/nf_conntrack_max net/netfilter/nf_conntrack_buckets; do
  cat "/proc/sys/$key" >"$own/${key##*/}"
  mount --bind "$own/${key##*/}" "$root/proc/sys/$key"
done
echo 128 >"$own/neigh/default/gc_thresh1"
echo 512 >"$own/neigh/default/gc_thresh2"
echo 1024 >"$own/neigh/default/gc_thresh3"
for device in /proc/sys/net/ipv4/neigh/*; do
  mkdir -p "$own/neigh/${device##*/}"
  [ "${device##*/}" = default ] || mount --bind "$root$device" "$own/neigh/${device##*/}"
done
mount --rbind "$own/neigh" "$root/proc/sys/net/ipv4/neigh"

# A kernel without modules has built in what it has.
kernel=/lib/modules/$(uname -r)
if [ ! -d "$kernel" ]; then
  mkdir -p "$root$kernel"
  for module in overlay br_netfilter nf_conntrack vxlan; do echo "kernel/$module.ko"; done >"$root$kernel/modules.builtin"
  : >"$root$kernel/modules.order"
  chroot "$root" depmod "${kernel##*/}" 2>/dev/null
fi

# Where nobody may be protected from the OOM killer containers start without it.
if ! (echo -1 >/proc/self/oom_score_adj) 2>/dev/null; then
  cat >"$root/usr/local/sbin/runc" <<'RUNC'
#!/bin/sh
before=
for word in "$@"; do
  case $before in
    --bundle) sed -i 's/"oomScoreAdj":-[0-9]*/"oomScoreAdj":0/' "$word/config.json" ;;
    --process) sed -i 's/"oomScoreAdj":-[0-9]*/"oomScoreAdj":0/' "$word" ;;
  esac
  before=$word
done
exec /usr/sbin/runc "$@"
RUNC
  chmod 755 "$root/usr/local/sbin/runc"
fi

cd "$root"
mkdir -p old
pivot_root . old
exec chroot . /usr/bin/env -i container=skerry PATH=/usr/sbin:/usr/bin \
  SYSTEMD_PROC_CMDLINE='systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1' \
  sh -c 'umount -l /old && mount --make-rshared / && exec /lib/systemd/systemd'
