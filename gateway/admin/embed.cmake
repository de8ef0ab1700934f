# cmake -DIN=file -DOUT=file.c -P embed.cmake: docs/openapi.json as C source.
file(READ "${IN}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "((0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,))"
	"\\1\n\t" bytes "${bytes}")
file(WRITE "${OUT}" "#include \"gateway/admin/openapi.h\"

static const uint8_t text[] = {
	${bytes}
};

struct bytes openapi_text(void)
{
	return bytes_of(text, sizeof(text));
}
")
