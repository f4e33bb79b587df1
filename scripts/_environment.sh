# Sets up the project's environment and puts it on the PATH. Source it in the project's root:
#
#   . scripts/_environment.sh
#
# .venv has the packages of requirements.lock, and the project itself, editable; node_modules has
# the CDK CLI and the demo's tables, from package-lock.json. Each is created if it is missing, and
# updated when its lock has changed. A stamp, written last, has a digest of what it was made from,
# so the next run completes an interrupted one. A file lock keeps two runs apart. PYTHON names the
# interpreter (default python3).

_environment_say() { printf 'environment: %s\n' "$*" >&2; }
_environment_fail() {
    _environment_say "$*"
    exit 1
}

_environment_check_tools() {
    command -v "$PYTHON" >/dev/null ||
        _environment_fail "no '$PYTHON' found: install Python 3.11 or later, or set PYTHON"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        _environment_fail "$("$PYTHON" --version 2>&1) is too old: install 3.11 or later, or set PYTHON"
    local tool
    for tool in node npm; do
        command -v "$tool" >/dev/null ||
            _environment_fail "no '$tool' found: install Node.js 20 or later (the CDK needs it)"
    done
    node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' ||
        _environment_fail "Node.js $(node --version) is too old: install 20 or later"
}

# _environment_step TEXT COMMAND…: runs a command; prints its duration, and its output if it fails.
_environment_step() {
    local what=$1 started=$SECONDS output
    shift
    _environment_say "$what …"
    what=${what% (*} # without the estimate of its duration
    output=$("$@" 2>&1) || {
        printf '%s\n' "$output" >&2
        _environment_fail "$what failed: correct the cause above, then run this again"
    }
    _environment_say "$what: done in $((SECONDS - started)) s"
}

# _environment_digest WORD…: a digest of words, and of the contents of those that name files.
_environment_digest() {
    "$PYTHON" -c '
import hashlib, pathlib, sys
digest = hashlib.sha256()
for name in sys.argv[1:]:
    path = pathlib.Path(name)
    digest.update(path.read_bytes() if path.is_file() else name.encode())
    digest.update(b"\0")
print(digest.hexdigest())' "$@"
}

_environment_is_stamped() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

_environment_python() {
    local interpreter made_by stamp
    interpreter=$("$PYTHON" -c 'import os, sys; print(sys.version, os.path.realpath(sys.executable))')
    # Created by another interpreter, moved to another folder, or incomplete: create it again.
    made_by=$(_environment_digest "$interpreter" "in $PWD")
    stamp=$(_environment_digest "$made_by" requirements.lock pyproject.toml)
    _environment_is_stamped .venv/.stamp "$stamp" && return
    if ! _environment_is_stamped .venv/.made_by "$made_by"; then
        _environment_step "making .venv with $("$PYTHON" --version)" "$PYTHON" -m venv --clear .venv
        printf '%s' "$made_by" >.venv/.made_by
    fi
    rm -f .venv/.stamp
    _environment_step "installing requirements.lock (a minute or two, once)" .venv/bin/python -m pip install \
        --quiet --no-input --disable-pip-version-check --require-hashes -r requirements.lock
    _environment_step "installing the project, editable" .venv/bin/python -m pip install \
        --quiet --no-input --disable-pip-version-check --no-build-isolation --no-deps --no-index \
        --editable .
    printf '%s' "$stamp" >.venv/.stamp
}

_environment_node() {
    local stamp
    stamp=$(_environment_digest "$(node --version)" package.json package-lock.json)
    _environment_is_stamped node_modules/.stamp "$stamp" && return
    _environment_step "installing package-lock.json" npm ci --no-audit --no-fund --loglevel=error
    printf '%s' "$stamp" >node_modules/.stamp
}

_environment_make() {
    local waited_since
    _environment_check_tools
    waited_since=$SECONDS
    # The lock is held until descriptor 9 is closed, also by an exit. macOS has no flock(1).
    exec 9>.environment.lock
    "$PYTHON" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    [ $((SECONDS - waited_since)) -le 2 ] || _environment_say "waited for another run"
    _environment_python
    _environment_node
    exec 9>&-
}

PYTHON=${PYTHON:-python3}
_environment_make
export PATH="$PWD/.venv/bin:$PWD/node_modules/.bin:$PATH"
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20
export CDK_DISABLE_CLI_TELEMETRY=true
export AWS_EC2_METADATA_DISABLED=true # off EC2, asking for it only costs time
