/* One scan of a CRL for one certificate, or the same list through the parser
 * of Mbed TLS, in a process of its own; or any other command.
 *
 *     crl-bench scan|parse LIST ISSUER CERTIFICATE
 *     crl-bench run COMMAND...
 *
 * prints milliseconds of processor time and KiB: how far the peak of resident
 * memory rose after the list was in memory, or the whole peak of the command
 * (measured from here, because Linux counts the memory of whoever forks). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <mbedtls/x509_crl.h>

#include "policy/trust/crl.h"
#include "policy/trust/crypto.h"

static struct bytes read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *at;
	long len;

	if (!file || fseek(file, 0, SEEK_END) || (len = ftell(file)) < 0) {
		perror(path);
		exit(1);
	}
	rewind(file);
	at = malloc((size_t)len + 1);
	if (!at || fread(at, 1, (size_t)len, file) != (size_t)len)
		exit(1);
	fclose(file);
	return bytes_of(at, (size_t)len);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static long peak_kib(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[128];
	long kib = -1;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "VmHWM:", 6))
			kib = strtol(line + 6, NULL, 10);
	if (file)
		fclose(file);
	return kib;
}

static double ms_of(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static int run(char **command)
{
	struct rusage usage;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (freopen("/dev/null", "w", stdout) &&
			freopen("/dev/null", "w", stderr))
			execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return -1;
	printf("%.2f %ld\n", ms_of(usage.ru_utime) + ms_of(usage.ru_stime),
		usage.ru_maxrss);
	return status;
}

static int scan(struct bytes list, struct bytes issuer, struct bytes cert)
{
	struct statement got;
	struct cert_id id;

	if (cert_id_of(cert, issuer, &id) ||
		crl_scan(list, issuer, &id, 1, &got, NULL, NULL))
		return -1;
	return got.status == STATEMENT_REVOKED ? 0 : -1;
}

static int parse(struct bytes list)
{
	mbedtls_x509_crl crl;
	int err;

	mbedtls_x509_crl_init(&crl);
	err = mbedtls_x509_crl_parse_der(&crl, list.at, list.len);
	mbedtls_x509_crl_free(&crl);
	return err;
}

int main(int argc, char **argv)
{
	struct bytes list, issuer, cert;
	double began;
	long before;
	int err;

	if (argc > 2 && !strcmp(argv[1], "run"))
		return run(argv + 2) ? 1 : 0;
	if (argc != 5 || crypto_init())
		return 2;
	list = read_file(argv[2]);
	issuer = read_file(argv[3]);
	cert = read_file(argv[4]);
	before = peak_kib();
	began = now_ms();
	err = strcmp(argv[1], "scan") ? parse(list) : scan(list, issuer, cert);
	printf("%.2f %ld\n", now_ms() - began, peak_kib() - before);
	return err ? 1 : 0;
}
