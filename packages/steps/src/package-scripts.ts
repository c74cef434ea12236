/** Prints `apt` or `dnf`, then a line for each of "$@" that the manager knows, with tabs. */
export const packageProbe = `
export LC_ALL=C
if command -v apt-get >/dev/null; then
  echo apt
  [ $# -eq 0 ] && exit 0
  dpkg-query --show --showformat='\${Package}\\t\${db:Status-Abbrev}\\t\${Version}\\n' -- "$@" 2>/dev/null
  [ $? -le 1 ] || { echo 'the database of dpkg cannot be read' >&2; exit 1; }
elif command -v dnf >/dev/null; then
  echo dnf
  [ $# -eq 0 ] && exit 0
  rpm --query --queryformat '%{NAME}\\t%{EPOCH}:%{VERSION}-%{RELEASE}\\n' "$@" | grep '	'
  for list in /etc/dnf/plugins/versionlock.list /etc/dnf/versionlock.toml; do
    [ -r "$list" ] && sed -n -e '/^[#!]/d' -e 's/^name *= *"\\(.*\\)"/lock	\\1/p' -e 's/^\\([^=[:space:]]*:[^=[:space:]]*\\)$/lock	\\1/p' "$list"
  done
  exit 0
else
  echo 'neither apt-get nor dnf is there: packages cannot be managed on this host' >&2
  exit 1
fi
`;

/**
 * "$1": age of the lists in seconds, "$2": seconds to wait for locks, "$3": the folder with packages of
 * the bundle or '', "$4": how many of them follow, each as its SHA-256, which is its name there, and its
 * size in bytes; then three for each package: name, version or '', and `hold`, `unhold`, `absent` or ''.
 * The state is read again here.
 *
 * apt: `needrestart` (Ubuntu) is kept from restarting services of others; configuration files that
 * the operator changed stay. The lists are read anew when the stamp of the last reading is older
 * than it may be or than a file of sources, or when a package or version is unknown. Packages of the
 * bundle are made a repository of their own, and apt is shown no other: it takes what the host lacks, and
 * compares digests.
 */
export const packageConverge = `
export LC_ALL=C
age=$1 wait=$2 store=$3 count=$4 repository=/var/lib/skerry/packages bundled='' used='' gone=''; shift 4
fail() { printf '%s\\n' "$*" >&2; exit 1; }
said=$(mktemp) || exit 1
trap 'rm -f "$said"; rm -rf "$repository"' EXIT
# Runs a command again while it fails because of a lock; dpkg and the package lists know no waiting.
patiently() {
  until "$@" >"$said" 2>&1; do
    if [ "$wait" -le 0 ] || ! grep -Eqi 'could not get lock|unable to (lock|acquire)|is locked by|was locked by' "$said"; then
      cat "$said" >&2
      return 1
    fi
    sleep 2
    wait=$((wait - 2))
  done
}

# Makes the repository of the first $count packages of "$@".
bundle() {
  left=$count
  rm -rf "$repository"
  mkdir -p "$repository/sources" "$repository/lists/partial" "$repository/archives/partial" ||
    fail "the folder $repository cannot be made"
  echo "deb [trusted=yes] file:$repository ./" >"$repository/sources/bundle.list"
  : >"$repository/Packages"
  while [ "$left" -gt 0 ]; do
    if [ -f "$store/$1" ]; then
      ln "$store/$1" "$repository/$1.deb" 2>/dev/null || cp "$store/$1" "$repository/$1.deb" || fail "$repository/$1.deb cannot be written"
      { dpkg-deb --field "$repository/$1.deb" && printf 'Filename: ./%s.deb\\nSize: %s\\nSHA256: %s\\n\\n' "$1" "$2" "$1"; } \\
        >>"$repository/Packages" || fail "the package $1 of the bundle cannot be read"
      used="$used $store/$1"
    else
      # A run that was cut off may have installed it already.
      gone="$gone $1"
    fi
    shift 2
    left=$((left - 1))
  done
  bundled="-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=$repository/sources -o Dir::State::Lists=$repository/lists"
  bundled="$bundled -o Dir::Cache::archives=$repository/archives -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root"
}
apt() {
  DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1 \\
    apt-get --quiet --yes -o "DPkg::Lock::Timeout=$wait" -o Dpkg::Options::=--force-confdef \\
    -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 $bundled "$@"
}
update() {
  # One dead repository must not keep packages of the others away; a missing package fails below.
  if patiently apt update -o APT::Update::Error-Mode=any; then
    mkdir -p /var/lib/skerry && touch /var/lib/skerry/apt-updated
  fi
}
lists_are_old() {
  stamp=/var/lib/skerry/apt-updated
  [ -e "$stamp" ] || return 0
  [ $(($(date +%s) - $(stat -c %Y "$stamp"))) -gt "$age" ] && return 0
  [ -n "$(find /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/keyrings -newer "$stamp" 2>/dev/null)" ]
}
apt_version() {
  dpkg-query --show --showformat='\${db:Status-Abbrev}\\t\${Version}\\n' -- "$1" 2>/dev/null | sed -n 's/^.i .*	//p' | head -n 1
}
with_apt() {
  if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
    DEBIAN_FRONTEND=noninteractive patiently dpkg --configure -a --force-confdef --force-confold ||
      fail 'packages that an earlier run left half configured cannot be configured (dpkg --configure -a)'
  fi
  install='' exact='' remove='' held='' unheld='' unknown='' more=''
  while [ $# -gt 0 ]; do
    have=$(apt_version "$1")
    case $3 in
      absent) [ -n "$have" ] && remove="$remove $1" ;;
      hold) held="$held $1" ;;
      unhold) unheld="$unheld $1" ;;
    esac
    if [ "$3" != absent ] && { [ -z "$have" ] || { [ -n "$2" ] && [ "$have" != "$2" ]; }; }; then
      install="$install $1\${2:+=$2}"
      [ -n "$2" ] && exact=--allow-downgrades
      if [ -n "$2" ]; then apt-cache show "$1=$2" >/dev/null 2>&1; else apt-cache show "$1" >/dev/null 2>&1; fi || unknown=yes
    fi
    shift 3
  done
  if [ -n "$install" ]; then
    if [ -n "$bundled" ]; then apt --quiet update >&2 || fail 'apt cannot read the packages of the bundle'
    elif [ "$unknown" = yes ] || lists_are_old; then update
    fi
    apt install --no-remove --allow-change-held-packages $exact -- $install ||
      fail "not installed:$install\${gone:+; of the packages of the bundle these do not lie in $store:$gone}"
  fi
  if [ -n "$remove" ]; then
    for name in $(apt-get -s remove -- $remove | sed -n 's/^Remv \\([^ :]*\\).*/\\1/p'); do
      case " $remove " in *" $name "*) ;; *) more="$more $name" ;; esac
    done
    [ -z "$more" ] || fail "removing$remove would remove$more as well: name those too, or keep$remove"
    apt remove --allow-change-held-packages -- $remove || fail "not removed:$remove"
  fi
  [ -z "$held" ] || apt-mark hold $held >/dev/null || exit 1
  [ -z "$unheld" ] || apt-mark unhold $unheld >/dev/null || exit 1
}

rpm_version() {
  rpm --query --queryformat '%{EPOCH}:%{VERSION}-%{RELEASE}\\n' "$1" 2>/dev/null | sed -n 's/^\\((none)\\|0\\)://;1p'
}
with_dnf() {
  install='' remove='' held='' unheld=''
  while [ $# -gt 0 ]; do
    have=$(rpm --query "$1" >/dev/null 2>&1 && rpm_version "$1")
    case $3 in
      absent) [ -n "$have" ] && remove="$remove $1" ;;
      hold) held="$held $1" ;;
      unhold) unheld="$unheld $1" ;;
    esac
    if [ "$3" != absent ] && { [ -z "$have" ] || { [ -n "$2" ] && [ "$have" != "$2" ]; }; }; then
      install="$install $1\${2:+-$2}"
      [ -n "$2" ] && [ -n "$3" ] && dnf -q versionlock delete "$1" >/dev/null 2>&1
    fi
    shift 3
  done
  if [ -n "$install" ]; then
    dnf --quiet --assumeyes "--setopt=metadata_expire=$age" --setopt=install_weak_deps=False install $install ||
      fail "not installed:$install"
  fi
  if [ -n "$remove" ]; then
    needed=$(rpm --erase --test $remove 2>&1) || fail "removing$remove would break others: $needed"
    dnf --quiet --assumeyes --setopt=clean_requirements_on_remove=False remove $remove || fail "not removed:$remove"
  fi
  if [ -n "$held$unheld" ] && ! dnf -q versionlock list >/dev/null 2>&1; then
    dnf --quiet --assumeyes install 'dnf-command(versionlock)' || fail 'dnf knows no versionlock, and its plugin cannot be installed'
  fi
  for name in $held; do
    dnf -q versionlock delete "$name" >/dev/null 2>&1
    dnf -q versionlock add "$name" || exit 1
  done
  for name in $unheld; do dnf -q versionlock delete "$name" || exit 1; done
}

if command -v apt-get >/dev/null; then
  [ -z "$store" ] || bundle "$@"
  shift $((count * 2))
  with_apt "$@"
  [ -z "$used" ] || rm -f $used
elif command -v dnf >/dev/null; then
  with_dnf "$@"
else
  fail 'neither apt-get nor dnf is there: packages cannot be managed on this host'
fi
`;
