# Shared by scripts/test, scripts/demo and .ci/run; to be sourced, not run.
#
# PYTHON          interpreter to use                  (default: python3)
# GLUEBALL_VENV   folder of the virtual environment   (default: .venv in the checkout, and .venv-3.13 or
#                                                      the like for an interpreter given as PYTHON)
# CMAKE_BUILD_PARALLEL_LEVEL                          compilers to run at once (default: Ninja's)

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$root/build"

say() { printf '\n== %s ==\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# The version of an interpreter as folders are named by it: 3.13, or 3.13t if it is free-threaded.
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2] + sys.abiflags)'; }

require_python() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null ||
    die "glueball requires Python >= 3.11, found $("$1" --version 2> /dev/null || echo none) ($1);" \
      "set PYTHON=<interpreter>"
}

# Makes the virtual environment, unless it is there.
make_venv() {
  local python=${PYTHON:-python3}
  venv=${GLUEBALL_VENV:-$root/.venv${PYTHON:+-$(version_of "$PYTHON" 2> /dev/null || true)}}
  if [ -x "$venv/bin/python" ]; then
    require_python "$venv/bin/python"
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$PYTHON")" = "$(version_of "$venv/bin/python")" ] ||
      die "expected $venv to be of $PYTHON, found $("$venv/bin/python" --version);" \
        "set GLUEBALL_VENV=<another folder>, or leave PYTHON out"
  else
    require_python "$python"
    say "creating $venv"
    "$python" -m venv "$venv" || {
      rm -rf "$venv"
      die "expected '$python -m venv' to work; on Debian or Ubuntu: apt-get install python3-venv"
    }
  fi
  venv=$(cd "$venv" && pwd)
  export PATH="$venv/bin:$PATH"
  hash -r
}

# Installs what pyproject.toml asks for: build requirements, dependencies, and the extras or
# dependency groups named. Nothing happens when that was done before and pyproject.toml is the same.
install_requirements() {
  local stamp wanted
  stamp="$venv/.glueball-$(IFS=-; echo "$*")"
  wanted=$(cksum < "$root/pyproject.toml")
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    say "installing requirements: $*"
    python - "$root/pyproject.toml" "$@" > "$root/build/requirements.txt" << 'END'
import sys, tomllib

with open(sys.argv[1], "rb") as stream:
    settings = tomllib.load(stream)
project = settings["project"]
named = project["optional-dependencies"] | settings["dependency-groups"]
# The frontend's isolated environment would bring the build requirements, and CMake and Ninja where
# they are missing. Here the environment is kept, so that the next build starts from the last one.
wanted = [*settings["build-system"]["requires"], "cmake>=3.24", "ninja>=1.11", *project["dependencies"]]
for name in sys.argv[2:]:
    wanted += named[name]
print("\n".join(wanted))
END
    python -m pip install --quiet --disable-pip-version-check -r "$root/build/requirements.txt"
    echo "$wanted" > "$stamp"
  fi
}

# The build folder of the environment's interpreter: build/cp311.
build_folder() { echo "$root/build/cp$(version_of python | tr -d .)"; }

# Builds a wheel of the checkout and installs it. Arguments go to pip (-C key=value).
#
# The build folder is kept: compiling the kernels takes minutes, and seldom needs doing twice.
install_package() {
  command -v "${CXX:-c++}" > /dev/null ||
    die "expected a C++20 compiler, found none; on Debian or Ubuntu: apt-get install g++," \
      "or set CXX=<compiler>"
  build_dir=$(build_folder)
  say "building (minutes the first time, seconds after)"
  (cd "$root" && python -m pip install --quiet --disable-pip-version-check --no-build-isolation \
    --no-deps --force-reinstall -C build-dir="$build_dir" "$@" .)
}

# need PACKAGES WHAT PROBE...: runs PROBE; where it fails, installs Debian's PACKAGES if this user may, and
# probes again.
need() {
  local packages what=$2 sudo=()
  read -ra packages <<< "$1"
  shift 2
  "$@" && return
  [ "$(id -u)" = 0 ] || sudo=(sudo -n)
  if command -v apt-get > /dev/null && "${sudo[@]}" true 2> /dev/null; then
    say "installing ${packages[*]}"
    # Without what it only recommends: clang would bring a debugger.
    local install=("${sudo[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}")
    "${install[@]}" > /dev/null 2>&1 ||
      { "${sudo[@]}" apt-get update -qq && "${install[@]}" > /dev/null; }
  fi
  "$@" || die "expected $what, found none; on Debian or Ubuntu: apt-get install ${packages[*]}"
}

has_header() { echo "#include <$1>" | "${CXX:-c++}" -E -x c++ - > /dev/null 2>&1; }
has_program() { command -v "$1" > /dev/null; }

need_doctest() {
  need doctest-dev "<doctest/doctest.h> for the C++ tests" has_header doctest/doctest.h
}
need_benchmark() {
  need libbenchmark-dev "<benchmark/benchmark.h> for the C++ benches" has_header benchmark/benchmark.h
}
# What tests/embed uses: a second compiler, and what reads the headers' comments.
need_embedding_tools() {
  has_clang_with_openmp() {
    echo 'int main() {}' | clang++ -fopenmp -x c++ - -o /dev/null > /dev/null 2>&1
  }
  need "clang libomp-dev" "clang++ with OpenMP, the second compiler of tests/embed" has_clang_with_openmp
  need doxygen "doxygen, which reads the headers' comments for tests/embed" has_program doxygen
}

need_fuzzer() {
  has_fuzzer() {
    echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' |
      clang++ -fsanitize=fuzzer -x c++ - -o /dev/null > /dev/null 2>&1
  }
  need "clang libclang-rt-dev" "clang++ with libFuzzer, for scripts/fuzz" has_fuzzer
}
