/*
 * answer serve PORT: tells every asker, by TCP and by UDP, the address that it is seen from.
 * answer ask tcp|udp ADDRESS PORT: asks, and prints what came; exit 1 if nothing does within two seconds.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int bound(int type, int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int one = 1, fd = socket(AF_INET, type, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || (type == SOCK_STREAM && listen(fd, 64))) {
		perror("bind");
		exit(1);
	}
	return fd;
}

static int serve(int port)
{
	struct pollfd fds[2] = {
		{.fd = bound(SOCK_STREAM, port), .events = POLLIN},
		{.fd = bound(SOCK_DGRAM, port), .events = POLLIN},
	};

	for (;;) {
		struct sockaddr_in peer;
		socklen_t length = sizeof(peer);
		char text[64];

		if (poll(fds, 2, -1) < 0)
			return 1;
		if (fds[0].revents) {
			int fd = accept(fds[0].fd, (struct sockaddr *)&peer, &length);
			int count;

			/* What was sent is read: closing with it unread would reset the connection. */
			if (fd >= 0 && read(fd, text, sizeof(text)) >= 0) {
				count = snprintf(text, sizeof(text), "tcp from %s\n", inet_ntoa(peer.sin_addr));
				if (write(fd, text, count) != count)
					perror("write");
			}
			close(fd);
		}
		if (fds[1].revents &&
		    recvfrom(fds[1].fd, text, sizeof(text), 0, (struct sockaddr *)&peer, &length) >= 0) {
			int count = snprintf(text, sizeof(text), "udp from %s\n", inet_ntoa(peer.sin_addr));

			sendto(fds[1].fd, text, count, 0, (struct sockaddr *)&peer, length);
		}
	}
}

static int ask(const char *protocol, const char *address, int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct timeval limit = {.tv_sec = 2};
	char text[64];
	ssize_t count;
	int fd = socket(AF_INET, strcmp(protocol, "udp") ? SOCK_STREAM : SOCK_DGRAM, 0);

	inet_aton(address, &to.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) || send(fd, "?", 1, 0) != 1 ||
	    (count = recv(fd, text, sizeof(text), 0)) <= 0) {
		perror(protocol);
		return 1;
	}
	return write(1, text, count) != count;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]));
	if (argc == 5 && !strcmp(argv[1], "ask"))
		return ask(argv[2], argv[3], atoi(argv[4]));
	return 125;
}
