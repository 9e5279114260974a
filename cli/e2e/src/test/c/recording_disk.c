// A disk that remembers: recording-disk MOUNTPOINT IMAGE LOG [GATE] serves one file, MOUNTPOINT/disk, for a loop device (fuse(4)).
// Reads and writes go to IMAGE; each write and each flush is appended to LOG before it is answered, so any state that a real disk
// could be in after a power cut can be made of it: all writes before the last flush, and any of those since.
//
// While there is a file GATE it takes requests and answers none, as a disk or a server of files does that hangs. The kernel lets
// nobody go who waits for the answer to a request that was taken, not even by SIGKILL.
//
// A record is `struct record` and, for a write, its bytes. Ends when the file system is unmounted.

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_WRITE = 1 << 20, DISK_NODE = 2, MAX_HELD = 256, LOOK_MILLIS = 20 };

/** In the byte order of the machine. A flush has neither offset nor length. */
struct record {
  uint64_t offset;
  uint32_t length;
  uint32_t is_flush;
};

static int image, recording, device;
static uint64_t size;
static char *data;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void answer(const struct fuse_in_header *in, int error, const void *body, size_t length) {
  struct fuse_out_header out = {.len = (uint32_t)(sizeof out + length), .error = -error, .unique = in->unique};
  struct iovec parts[] = {{&out, sizeof out}, {(void *)(uintptr_t)body, length}};
  // Whoever asked may have gone away meanwhile (ENOENT).
  if (writev(device, parts, length > 0 ? 2 : 1) < 0 && errno != ENOENT) die("answer");
}

static void put(const void *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t n = write(recording, (const char *)bytes + done, length - done);
    if (n <= 0) die("write the log");
    done += (size_t)n;
  }
}

static struct fuse_attr attributes(uint64_t node) {
  struct fuse_attr attr = {.ino = node, .nlink = 1, .mode = S_IFDIR | 0700, .blksize = 4096};
  if (node == DISK_NODE) {
    attr.mode = S_IFREG | 0600;
    attr.size = size;
    attr.blocks = size / 512;
  }
  return attr;
}

static void init(const struct fuse_in_header *in, const struct fuse_init_in *asked) {
  struct fuse_init_out out = {
      .major = FUSE_KERNEL_VERSION,
      .minor = FUSE_KERNEL_MINOR_VERSION,
      .max_readahead = asked->max_readahead,
      .flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES,
      .max_background = 16,
      .congestion_threshold = 12,
      .max_write = MAX_WRITE,
      .time_gran = 1,
      .max_pages = MAX_WRITE / 4096,
  };
  answer(in, 0, &out, sizeof out);
}

static void lookup(const struct fuse_in_header *in, const char *name) {
  if (in->nodeid != FUSE_ROOT_ID || strcmp(name, "disk") != 0) {
    answer(in, ENOENT, NULL, 0);
    return;
  }
  struct fuse_entry_out out = {
      .nodeid = DISK_NODE, .attr = attributes(DISK_NODE)};
  answer(in, 0, &out, sizeof out);
}

static void read_disk(const struct fuse_in_header *in, const struct fuse_read_in *asked) {
  size_t length = asked->size < MAX_WRITE ? asked->size : MAX_WRITE;
  ssize_t n = pread(image, data, length, (off_t)asked->offset);
  if (n < 0) {
    answer(in, errno, NULL, 0);
  } else {
    answer(in, 0, data, (size_t)n);
  }
}

static void write_disk(const struct fuse_in_header *in, const struct fuse_write_in *asked) {
  const char *bytes = (const char *)(asked + 1);
  struct record record = {.offset = asked->offset, .length = asked->size};
  put(&record, sizeof record);
  put(bytes, asked->size);
  for (size_t done = 0; done < asked->size;) {
    ssize_t n = pwrite(image, bytes + done, asked->size - done, (off_t)(asked->offset + done));
    if (n <= 0) die("write the image");
    done += (size_t)n;
  }
  struct fuse_write_out out = {.size = asked->size};
  answer(in, 0, &out, sizeof out);
}

static const char *gate;
static void *held[MAX_HELD];
static int held_count;

static int is_hanging(void) {
  return gate && access(gate, F_OK) == 0;
}

static void serve(const struct fuse_in_header *in) {
  const void *body = in + 1;
  switch (in->opcode) {
    case FUSE_INIT: init(in, body); return;
    case FUSE_LOOKUP: lookup(in, body); return;
    case FUSE_GETATTR:
    case FUSE_SETATTR: {
      struct fuse_attr_out out = {.attr = attributes(in->nodeid)};
      answer(in, 0, &out, sizeof out);
      return;
    }
    case FUSE_OPEN: {
      // Without the page cache, the order of the loop device's requests is that of ours.
      struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};
      answer(in, 0, &out, sizeof out);
      return;
    }
    case FUSE_READ: read_disk(in, body); return;
    case FUSE_WRITE: write_disk(in, body); return;
    case FUSE_FSYNC: {
      struct record record = {.is_flush = 1};
      put(&record, sizeof record);
      answer(in, 0, NULL, 0);
      return;
    }
    case FUSE_RELEASE:
    case FUSE_DESTROY: answer(in, 0, NULL, 0); return;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: return;
    default: answer(in, ENOSYS, NULL, 0);
  }
}

static void hold(const void *request, size_t length) {
  if (held_count == MAX_HELD) die("hold so many requests");
  void *copy = malloc(length);
  if (!copy) die("memory");
  held[held_count++] = memcpy(copy, request, length);
}

static void let_go(void) {
  for (int i = 0; i < held_count; i++) {
    serve(held[i]);
    free(held[i]);
  }
  held_count = 0;
}

/** Without requests, and while some are held, the gate is looked at. */
static int has_request(void) {
  struct pollfd ready = {.fd = device, .events = POLLIN};
  return poll(&ready, 1, held_count > 0 ? LOOK_MILLIS : -1) != 0;
}

int main(int argc, char **argv) {
  if (argc != 4 && argc != 5) {
    fprintf(stderr, "usage: recording-disk MOUNTPOINT IMAGE LOG [GATE]\n");
    return 2;
  }
  gate = argc == 5 ? argv[4] : NULL;
  image = open(argv[2], O_RDWR | O_CLOEXEC);
  recording = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  struct stat status;
  if (image < 0 || recording < 0 || device < 0 || fstat(image, &status) < 0) die("open");
  size = (uint64_t)status.st_size;
  char options[100];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  if (mount("recording-disk", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0) die("mount");
  size_t room = MAX_WRITE + 65536;
  char *request = aligned_alloc(4096, room);
  data = malloc(MAX_WRITE);
  if (!request || !data) die("memory");
  while (1) {
    if (held_count > 0 && !is_hanging()) let_go();
    if (!has_request()) continue;
    ssize_t n = read(device, request, room);
    if (n < 0 && errno == ENODEV) return 0;
    if (n < 0 && errno != EINTR && errno != ENOENT && errno != EAGAIN) die("read a request");
    if (n < (ssize_t)sizeof(struct fuse_in_header)) continue;
    if (is_hanging()) {
      hold(request, (size_t)n);
    } else {
      serve((const struct fuse_in_header *)request);
    }
  }
}
