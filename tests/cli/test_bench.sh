# The benchmarks give the keys that scripts read, and positive numbers.
. "$(dirname "$0")/library.sh"

expect 0 bench views --seconds 1 --image-size 32 --json
is_json views_per_second_per_core
expect 0 bench views --seconds 1 --channels 1 --source-size 28 --image-size 28
grep -q "a second and core" stdout || say "no line for people"
expect 0 bench views --seconds 1 --image-size 64 --picture 50x37 --preset byol --json
is_json views_per_second_per_core
for size in 500 500x 0x10 10x5000 10x10x10 wide; do
    expect 2 bench views --picture $size
    says --picture WIDTHxHEIGHT "$size"
    silent
done
# shellcheck disable=SC2086
expect 0 bench step $tiny --seconds 1 --json
is_json images_per_second gflops peak_gflops peak_fraction memory_gbytes step_ms step_ms_max peak_memory_bytes
if grep -Eq '": -|": 0(\.0)?[,}]' stdout; then say "a number is not positive"; fi
# shellcheck disable=SC2086
expect 0 bench step $tiny --seconds 1 --profile
for row in "convolution, weight gradient" "batch norm + add + ReLU, forward" "waiting for views" "all else"; do
    grep -q "$row .*%" stdout || say "no row '$row' in the profile"
done
# shellcheck disable=SC2086
expect 0 bench step $tiny --seconds 1 --profile --json
is_json step_ms profile
# bound by OpenMP or not, every processor that the process may use
processors=$(nproc)
for binding in false true spread; do
    # shellcheck disable=SC2086
    OMP_PROC_BIND=$binding "$byol" bench step $tiny --threads 0 --seconds 1 >stdout 2>stderr || say "bound: $binding"
    grep -q ", $processors threads" stdout || say "OMP_PROC_BIND=$binding: not $processors threads: $(head -n 1 stdout)"
done

# what a source gives: real images this time
make_data
expect 0 bench load --seconds 1 --data data:train --image-size 12 --batch-size 16 --threads 1 --json
is_json images_per_second epochs image_size unreadable memory_bytes_early memory_bytes_late
if grep -Eq '"(images_per_second|epochs|memory_bytes_early|memory_bytes_late)": (-|0[,}.])' stdout; then say "a number is not positive"; fi
expect 0 bench load --seconds 1 --data data:train --batch-size 16
grep -q "64 images, two views of 12 pixels" stdout || say "not what the data are"
# a thousand pictures of a megabyte each, more than the process may hold: links to one file
if ! grep -qsE '^BYOL_SANITIZE:[A-Z]*=.' "${BYOL_BUILD_DIR:-.}/CMakeCache.txt"; then # whose memory is another matter
    mkdir large && { printf 'P5 1024 1024 255\n' && noise 1048576 1; } >large/0.pgm
    i=1
    while [ $i -lt 1000 ]; do ln large/0.pgm large/$i.pgm && i=$((i + 1)); done
    expect 0 bench load --seconds 4 --data large --image-size 32 --batch-size 8 --threads 1 --json
    epochs=$(sed 's/.*"epochs": \([0-9.e-]*\),.*/\1/' stdout) late=$(sed 's/.*"memory_bytes_late": \([0-9]*\).*/\1/' stdout)
    awk "BEGIN { exit !($epochs > 0.2 && $late < 100e6) }" || say "of a gigabyte of pictures, $epochs read, in $late bytes of memory"
fi
expect 0 bench load --seconds 1 --data data:train --batch-size 65
expect 1 bench load --seconds 1 --data nowhere
says nowhere
expect 2 bench load --seconds 1
says --data
# shellcheck disable=SC2086
expect 0 bench embed $tiny --seconds 1 --json
is_json images_per_second gflops peak_gflops peak_fraction threads
expect 0 bench peak --seconds 1
grep -q "GFLOP/s" stdout && grep -q "GB/s" stdout || say "no table"
expect 0 bench peak --seconds 1 --json
is_json peak_gflops fma_gflops matmul_gflops memory_gbytes instructions

# a network that cannot be says which way to turn
expect 2 bench step --encoder conv1 --width 64 --image-size 224 --batch-size 2 --seconds 1
says "flatten would be 3211264 x 1 x 1" "too large for this network"
finish
