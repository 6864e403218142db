#include "text/tokenizer_parts.h"

/* Printable bytes of Latin-1 are their own character; the others, in order, those from U+0100. */
static int is_visible(int byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
}

int32_t byol__byte_character(unsigned char byte) {
    if (is_visible(byte)) return byte;
    if (byte <= ' ') return 0x100 + byte;
    if (byte == 0xAD) return 0x143;
    return 0x121 + byte - 0x7F; // 0x7F .. 0xA0
}

int byol__character_byte(int32_t character) {
    if (character < 0 || character > 0x143) return -1;
    if (character < 0x100) return is_visible(character) ? character : -1;
    if (character <= 0x120) return character - 0x100;
    return character == 0x143 ? 0xAD : 0x7F + character - 0x121;
}
