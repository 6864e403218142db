# Hugging Face's tokenizers read what we write, we read what they write, and both make the same ids of the same texts:
# made ones, and those in $BYOL_TEST_DATA/text if there are any.
# Skipped where this Python ($BYOL_TEST_PYTHON or python3) has no tokenizers.
. "$(dirname "$0")/library.sh"
python=${BYOL_TEST_PYTHON:-python3}
export PYTHONDONTWRITEBYTECODE=1
"$python" -c 'import tokenizers' 2>/dev/null || {
    echo "skipped: $python has no tokenizers (BYOL_TEST_PYTHON names another)"
    exit 77
}
tokenize=${BYOL_BUILD_DIR:?}/tests/tokenize
texts=${BYOL_TEST_DATA:+$BYOL_TEST_DATA/text}
[ -d "${texts:-/nowhere}" ] || texts=

"$python" "$here/check_tokenizers.py" "$tokenize" $texts >stdout 2>stderr || {
    code=$?
    say "Hugging Face's tokenizers disagree"
    grep -A 2 FAILED stdout | head -n 30
}
grep -v FAILED stdout
finish
