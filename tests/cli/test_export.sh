# Encoders for other programs: what is written, what is refused, and that nothing half-written stays.
. "$(dirname "$0")/library.sh"
make_data
train run --epochs 1
[ "$code" -eq 0 ] || say "training failed"

expect 2 export run
says --out
expect 2 export run --out encoder.pt
says encoder.pt .safetensors .onnx
expect 2 export run --out e.onnx --part all
says --part .safetensors
expect 2 export run --out e.safetensors --features
says --features .onnx
expect 2 export run --out e.onnx --output head
says backbone projection prediction
expect 2 export run --out e.safetensors --part some
says backbone all
expect 2 export run --out e.safetensors --classes none
says --classes none
expect 1 export nowhere --out e.onnx
says nowhere
expect 1 export run --out nowhere/e.onnx
says nowhere/e.onnx
expect 1 export run --out nowhere/e.safetensors
says nowhere/e.safetensors
[ -z "$(find . -name 'e.*')" ] || say "a failed export left a file"

# the backbone by itself embeds as the whole did, and has no heads
expect 0 export run --out backbone.safetensors --json
is_json out format encoder image_size channels
grep -q '"safetensors"' stdout || say "the format is not told"
says "width 8"
expect 0 embed run --data data:test --out before.npy
expect 0 embed backbone.safetensors --data data:test --out after.npy
cmp -s before.npy after.npy || say "the exported backbone gives other vectors"
expect 2 embed backbone.safetensors --data data:test --out x.npy --layer projection
says projection
expect 1 export backbone.safetensors --out x.safetensors --part all
says heads
expect 1 export backbone.safetensors --out x.onnx --output prediction

# with heads and a classifier
expect 0 export run --out all.safetensors --part all --classes 10
for name in conv1.weight bn1.running_mean layer4.1.bn2.running_var fc.weight fc.bias projector.0.weight predictor.3.weight; do
    head -c 100000 all.safetensors | grep -aqF "\"$name\"" || say "no tensor $name"
done
head -c 100000 backbone.safetensors | grep -aqE '"(fc|projector|predictor)\.' && say "the backbone has more than a backbone"
expect 0 embed run --data data:test --out before.npy --layer prediction
expect 0 embed all.safetensors --data data:test --out after.npy --layer prediction
cmp -s before.npy after.npy || say "the exported heads give other vectors"

expect 0 export run --out encoder.onnx --features --output projection --json
is_json out format encoder image_size channels output dimension
for name in images projection layer1 layer4 layer1.0.conv1.weight projector.3.weight normalise.mean; do
    grep -aqF "$name" encoder.onnx || say "the ONNX file does not name $name"
done
# a network whose layers have no stages in their names has maps all the same, at the end of each
train conv --epochs 1 --encoder conv5 --width 8 --image-size 32
[ "$code" -eq 0 ] || say "training conv5"
expect 0 export conv --out conv.onnx --features
for map in layer1 layer5; do
    grep -aq "$map" conv.onnx || say "conv.onnx has no output $map"
done
finish
