#include "tools/publish/pem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <mbedtls/pem.h>
#include <mbedtls/platform_util.h>

#define LINE_SIZE 80
#define TEXT_MAX 16384

static void line_make(char line[LINE_SIZE], const char *what, const char *label,
	const char *end)
{
	snprintf(line, LINE_SIZE, "-----%s %s-----%s", what, label, end);
}

bool pem_has(struct bytes text, const char *label)
{
	char line[LINE_SIZE];

	line_make(line, "BEGIN", label, "");
	return text.len && memmem(text.at, text.len, line, strlen(line));
}

int pem_read(struct bytes text, const char *label, struct buf *ret)
{
	char begin[LINE_SIZE], end[LINE_SIZE];
	mbedtls_pem_context pem;
	size_t used, len;
	char *copy;
	int err = 0;

	copy = calloc(1, text.len + 1);
	if (!copy)
		return -ENOMEM;
	if (text.len)
		memcpy(copy, text.at, text.len);
	line_make(begin, "BEGIN", label, "");
	line_make(end, "END", label, "");
	mbedtls_pem_init(&pem);
	if (mbedtls_pem_read_buffer(&pem, begin, end, (unsigned char *)copy,
			NULL, 0, &used))
		err = -EINVAL;
	if (!err) {
		const unsigned char *at = mbedtls_pem_get_buffer(&pem, &len);

		err = buf_add(ret, at, len);
	}
	mbedtls_pem_free(&pem);
	mbedtls_platform_zeroize(copy, text.len);
	free(copy);
	return err;
}

int pem_write(const char *label, struct bytes content, struct buf *ret)
{
	char begin[LINE_SIZE], end[LINE_SIZE];
	unsigned char text[TEXT_MAX];
	size_t len;
	int err = -EINVAL;

	line_make(begin, "BEGIN", label, "\n");
	line_make(end, "END", label, "\n");
	if (mbedtls_pem_write_buffer(begin, end, content.at, content.len, text,
			sizeof(text), &len) == 0)
		err = buf_add(ret, text, strlen((char *)text));
	mbedtls_platform_zeroize(text, sizeof(text));
	return err;
}
