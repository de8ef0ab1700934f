/* Runs a fuzz target over the files of a corpus folder, as an ordinary test.
 * Fails when the folder is missing or empty: a corpus nobody reads is no
 * test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int replay_file(const char *dir, const char *name)
{
	char path[4096];
	uint8_t *data;
	FILE *file;
	long len;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "rb");
	if (!file || fseek(file, 0, SEEK_END) || (len = ftell(file)) < 0) {
		perror(path);
		exit(1);
	}
	rewind(file);
	data = malloc((size_t)len ? (size_t)len : 1);
	if (!data || fread(data, 1, (size_t)len, file) != (size_t)len) {
		perror(path);
		exit(1);
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)len);
	free(data);
	return 1;
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	int files = 0;
	DIR *dir;

	dir = argc == 2 ? opendir(argv[1]) : NULL;
	if (!dir) {
		fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			files += replay_file(argv[1], entry->d_name);
	closedir(dir);
	printf("%d inputs\n", files);
	return files ? 0 : 1;
}
