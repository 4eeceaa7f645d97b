# Lab 2: the test bench decides; the decoder that it compares with may not be called.
lab_check()
{
    expect "decode.c has a decoder of its own" sh -c "! grep -Eq '(^|[^_a-z])decode\(' '$DIR/decode.c'"
    bench decode
}
