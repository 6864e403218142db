# What `cmake --install` puts down is enough: every header by itself in C and C++, programs against the shared and the static
# library by pkg-config and by CMake, and nothing visible in the shared library but the public functions.
. "$(dirname "$0")/library.sh"
build=${BYOL_BUILD_DIR:?the build folder}
if grep -qE '^BYOL_SANITIZE:[A-Z]*=.' "$build/CMakeCache.txt"; then
    echo "skipped: a build with sanitizers is not what is installed"
    exit 77
fi
prefix=$work/prefix
cmake --install "$build" --prefix "$prefix" >stdout 2>stderr || { code=$?; say "cmake --install"; finish; }
lib=$(dirname "$(find "$prefix" -name libbyol.a)")
export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib OMP_WAIT_POLICY=passive
code=0

[ "$("$prefix/bin/byol" --version)" = "byol $(pkg-config --modversion byol)" ] || say "program and pkg-config differ in version"
for file in bin/byol share/man/man1/byol-pretrain.1 share/bash-completion/completions/byol \
    share/zsh/vendor-completions/_byol share/fish/vendor_completions.d/byol.fish; do
    [ -s "$prefix/$file" ] || say "$file is not installed"
done

# headers
cxx=$(command -v c++ || command -v g++ || true)
[ -n "$cxx" ] || echo "note: no C++ compiler here, headers are tried in C only"
for header in "$source_dir"/include/byol/*.h; do
    name=byol/$(basename "$header")
    echo "#include <$name>" >one.c
    cc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$prefix/include" one.c 2>stderr || say "$name by itself in C"
    [ -z "$cxx" ] || "$cxx" -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$prefix/include" one.c \
        2>stderr || say "$name by itself in C++"
done

# the shared library shows every function of the headers, and nothing else
nm -D --defined-only "$lib/libbyol.so" | awk '{ print $3 }' | sort >shown
grep -vE '^byol_[a-z]' shown >stdout && say "these should be hidden"
cat "$source_dir"/include/byol/*.h | tr '\n' ' ' | sed 's/BYOL_API/\n&/g' | sed -n 's/^BYOL_API[^(;]*[ *]\(byol_[a-z0-9_]*\)(.*/\1/p' | sort >declared
[ "$(wc -l <declared)" -gt 40 ] || say "no functions found in the headers"
cmp -s shown declared || say "declared and shown differ: $(diff declared shown | tr '\n' ' ')"

# programs of users
make_data
train run --epochs 1
[ "$code" -eq 0 ] || say "training failed"
expect 0 embed run --data data:test --out vectors.npy
code=0
cc -std=gnu11 "$source_dir/examples/embed_file.c" -o shared $(pkg-config --cflags --libs byol) 2>stderr || say "pkg-config, shared"
./shared run data:test >shared.txt 2>stderr || say "the example with the shared library"
[ "$(wc -l <shared.txt)" -eq 32 ] || say "the example did not print 32 vectors"
cc -std=gnu11 "$source_dir/examples/embed_file.c" -o static \
    $(pkg-config --static --cflags --libs byol | sed 's/-lbyol/-l:libbyol.a/') 2>stderr || say "pkg-config, static"
env -u LD_LIBRARY_PATH ./static run data:test >static.txt 2>stderr || say "the example with the static library"
cmp -s shared.txt static.txt || say "shared and static library differ"

mkdir user && cat >user/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(byol 0.1 REQUIRED)
add_executable(with_shared ${EXAMPLES}/training_callback.c)
target_link_libraries(with_shared PRIVATE byol::byol m)
add_executable(with_static ${EXAMPLES}/training_callback.c)
target_link_libraries(with_static PRIVATE byol::static)
END
cmake -G Ninja -S user -B user/build -DCMAKE_PREFIX_PATH="$prefix" -DEXAMPLES="$source_dir/examples" >stdout 2>stderr || say "find_package"
cmake --build user/build >stdout 2>stderr || say "building with find_package"
for program in with_shared with_static; do
    rm -rf events && mkdir events
    user/build/$program data:train events >stdout 2>stderr || say "$program"
    grep -q '^epoch 2 of 2' stdout || say "$program saw no epochs"
    [ -s events/events.out.tfevents.byol ] || say "$program wrote no events"
done
finish
