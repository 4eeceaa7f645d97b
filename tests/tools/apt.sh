# Shared by the scripts that fetch guests: the system's own package client on private lists and a
# private cache, for one architecture at a time (sourced; the script sets `me` and `out`).
#
#   apt_use ARCH [SUITE]   choose the architecture (i386, amd64, arm64...) and, if not the system's own release, the
#                          suite; sets `apt`, the folder that holds its state
#   fetch PACKAGE [PART]   unpack a package (or one folder of it) into $apt/root/PACKAGE
#   put FROM TO            copy, at once, what is not there yet
#   take TO FROM...        put the first of the files that exists

die()
{
    echo "$me: $*" >&2
    exit 1
}

need()
{
    command -v "$1" >/dev/null 2>&1 || die "needs the program '$1' (Debian package: $2)"
}

# Only the distribution's own archives have all architectures: keep the source files that name its
# release as a suite.
apt_use()
{
    arch=$1
    apt=$out/apt
    [ "$arch" = i386 ] || apt=$out/apt-$arch
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/sources.d" "$apt/deb" "$apt/root"
    : >"$apt/status"
    release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    [ -n "$release" ] || die "/etc/os-release names no VERSION_CODENAME; packages are fetched on Debian only"
    if [ -n "${2:-}" ]; then
        other_suite "$release" "$2" "$apt/sources.d"
        return 0
    fi
    for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        [ -f "$f" ] || continue
        if grep -Eq "^[^#]*[[:space:]]$release(-updates|-security|/updates)?([[:space:]]|\$)" "$f"; then
            cp "$f" "$apt/sources.d/"
        fi
    done
}

# other_suite RELEASE SUITE FOLDER: the archive that serves the release itself serves its backports and the other
# releases. Of each source that names the release, one-line or stanza form, keep what is there and exchange the suite.
# Security archives have suites of other names.
other_suite()
{
    rm -f "$3"/*
    n=0
    for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$f" ] || continue
        n=$((n + 1))
        awk -v r="$1" -v s="$2" '
            /^[ \t]*deb[ \t]/ && !/security/ {
                hit = 0
                for (i = 2; i <= NF; i++)
                    if ($i == r) { $i = s; hit = 1 }
                if (hit) print
            }' "$f" >"$3/$n.list"
        [ -s "$3/$n.list" ] || rm -f "$3/$n.list"
    done
    for f in /etc/apt/sources.list.d/*.sources; do
        [ -f "$f" ] || continue
        n=$((n + 1))
        awk -v r="$1" -v s="$2" '
            BEGIN { RS = ""; FS = "\n"; ORS = "\n\n" }
            /security/ { next }
            {
                hit = 0
                text = ""
                for (i = 1; i <= NF; i++) {
                    if ($i ~ /^#/) continue
                    if ($i ~ /^Suites:/) {
                        k = split($i, w, /[ \t]+/)
                        for (j = 2; j <= k; j++) if (w[j] == r) hit = 1
                        $i = "Suites: " s
                    }
                    text = text $i "\n"
                }
                if (hit) printf "%s\n", text
            }' "$f" >"$3/$n.sources"
        [ -s "$3/$n.sources" ] || rm -f "$3/$n.sources"
    done
}

papt()
{
    tool=$1
    shift
    "$tool" -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User=root \
        -o Dir::State="$apt" -o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status" \
        -o Dir::Cache="$apt/cache" -o Dir::Etc::SourceList=/dev/null \
        -o Dir::Etc::SourceParts="$apt/sources.d" -o Acquire::Languages=none "$@"
}

# Read the package lists once a run, and only when something has to be fetched. One archive that
# is being synchronised must not stop the others: what counts is whether the base is known.
listed=
lists()
{
    case " $listed " in
    *" $arch "*) return 0 ;;
    esac
    listed="$listed $arch"
    echo "$me: reading the $arch package lists"
    if papt apt-get update >"$apt/log" 2>&1; then
        return 0
    fi
    if [ -z "$(papt apt-cache show busybox-static 2>/dev/null)" ]; then
        die "apt-get update failed: $(grep '^E:' "$apt/log" | head -n 1)"
    fi
    echo "$me: some package lists could not be read (see $apt/log); going on with the others"
}

# Fetch one package and unpack it into its own folder; prints nothing when it is there already.
fetch()
{
    name=$1
    if [ ! -d "$apt/root/$name" ]; then
        lists
        echo "  $name ($arch)"
        rm -rf "$apt/root/$name.new"
        (cd "$apt/deb" && rm -f "${name}"_*.deb && papt apt-get download "$name" >"$apt/log" 2>&1) ||
            die "cannot fetch the package $name: $(tail -n 1 "$apt/log")"
        mkdir -p "$apt/root/$name.new"
        if [ -n "${2:-}" ]; then
            dpkg-deb --fsys-tarfile "$apt/deb/${name}"_*.deb | tar -x -C "$apt/root/$name.new" "./$2"
        else
            dpkg-deb -x "$apt/deb/${name}"_*.deb "$apt/root/$name.new"
        fi
        mv "$apt/root/$name.new" "$apt/root/$name"
        rm -f "$apt/deb/${name}"_*.deb
    fi
}

# The versioned package behind a kernel meta package.
kernel_package()
{
    papt apt-cache show "$1" | sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*\).*/\1/p' | head -n 1
}

# put FILE PLACE: a copy at PLACE, at once, and only where it is another one: tests may be reading what is there.
put()
{
    cmp -s "$1" "$2" && return
    cp "$1" "$2.new"
    mv "$2.new" "$2"
}

# Copy the first file that exists; die when none of the names does.
take()
{
    dst=$1
    shift
    for f in "$@"; do
        if [ -f "$f" ]; then
            put "$f" "$dst"
            return 0
        fi
    done
    die "the package that should hold $dst does not"
}
