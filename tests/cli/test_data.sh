# Missing and truncated data: clear words, no run folder left behind that looks like a run.
. "$(dirname "$0")/library.sh"

train run --data nowhere/at/all
[ "$code" -eq 1 ] || say "missing data: exit code 1 was expected"
says nowhere/at/all
make_data
cp -r data short
head -c 5000 data/train-images-idx3-ubyte >short/train-images-idx3-ubyte
train run --data short:train
[ "$code" -eq 1 ] || say "truncated images: exit code 1 was expected"
says short/train-images-idx3-ubyte
cp data/train-images-idx3-ubyte short/
head -c 30 data/train-labels-idx1-ubyte >short/train-labels-idx1-ubyte
train run --data short:train
[ "$code" -eq 1 ] || say "truncated labels: exit code 1 was expected"
says short/train-labels-idx1-ubyte
noise 2000 1 >short/train-images-idx3-ubyte
train run --data short:train
[ "$code" -eq 1 ] || say "not IDX: exit code 1 was expected"
says short/train-images-idx3-ubyte
mkdir cifar
head -c 30000 /dev/zero >cifar/data_batch_1.bin # not a whole number of 3073-byte records
train run --data cifar
[ "$code" -eq 1 ] || say "truncated CIFAR: exit code 1 was expected"
says data_batch_1.bin
train large --batch-size 65
[ "$code" -eq 0 ] || say "a batch larger than the data"
says "there are only 64 images: train.batch_size is 64, not 65"
expect 1 knn nowhere --train data:train --test data:t10k
says nowhere
finish
