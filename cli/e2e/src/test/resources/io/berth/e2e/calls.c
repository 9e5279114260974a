/*
 * calls: makes system calls that a filter judges by their arguments, and prints a line for each, the call and the error number
 * (0 for none): `socket FAMILY ERROR`, `socketpair FAMILY ERROR`, `personality DOMAIN ERROR`. Every family is tried as it is and
 * with a bit above the 32 that the kernel reads of an int.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAMILIES 64
#define HIGH 0x100000000L

static void one(const char *name, long number, long argument)
{
	int ends[2];
	/* A datagram socket is what most families have; the filter decides before anybody asks for the type. */
	long result = syscall(number, argument, 2L, 0L, ends);

	printf("%s 0x%lx %d\n", name, argument, result < 0 ? errno : 0);
	if (number == SYS_socketpair && result == 0) {
		close(ends[0]);
		close(ends[1]);
	} else if (number == SYS_socket && result >= 0) {
		close((int)result);
	}
}

int main(void)
{
	static const long domains[] = {0, 8, 0x20000, 0x20008, 0xffffffff, 0x400000, 0x40000, 0x20};

	for (long family = 0; family < FAMILIES; family++) {
		one("socket", SYS_socket, family);
		one("socket", SYS_socket, family | HIGH);
		one("socketpair", SYS_socketpair, family);
		one("socketpair", SYS_socketpair, family | HIGH);
	}
	for (unsigned i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		one("personality", SYS_personality, domains[i]);
		one("personality", SYS_personality, domains[i] | HIGH);
	}
	return 0;
}
