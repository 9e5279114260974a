package io.berth.e2e;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * OCI archives made here, byte by byte, from Debian's static busybox: what the engine has to
 * understand, not what it wrote.
 */
final class BusyboxImage {
  static final String NAME = "docker.io/library/busybox:test";
  private static final List<String> APPLETS =
      List.of(
          "sh",
          "ls",
          "cat",
          "echo",
          "sleep",
          "true",
          "false",
          "id",
          "ps",
          "mount",
          "hostname",
          "env",
          "pwd",
          "touch",
          "rm",
          "mkdir",
          "head",
          "tail",
          "seq",
          "dd",
          "kill",
          "trap",
          "printf",
          "test",
          "grep",
          "sed",
          "tr",
          "wc",
          "stty",
          "tty",
          "nc",
          "wget",
          "httpd",
          "ip",
          "ping",
          "yes",
          "date",
          "stat",
          "readlink",
          "awk",
          "sort",
          "uname",
          "nslookup",
          "httpd");

  private BusyboxImage() {}

  /** Writes an archive of one gzip layer; answers its path. */
  static Path archive(Path folder) {
    return archive(folder, NAME, List.of(layer()), List.of());
  }

  /**
   * Writes an archive.
   *
   * @param layers uncompressed tars, base first
   * @param falsify indexes of layers whose stored bytes are cut to half
   */
  static Path archive(Path folder, String name, List<byte[]> layers, List<Integer> falsify) {
    return archive(folder, name, OciImage.of(layers), falsify);
  }

  /** Writes an archive of an image with more in its configuration, as OciImage takes it. */
  static Path archive(Path folder, String name, String more) {
    OciImage image = OciImage.of(architecture(), List.of(layer()), more);
    return archive(folder, name, image, List.of());
  }

  static Path archive(Path folder, String name, OciImage image, List<Integer> falsify) {
    Tar archive = new Tar();
    for (int i = 0; i < image.layers().size(); i++) {
      byte[] bytes = image.layers().get(i).bytes();
      put(
          archive,
          image.layers().get(i).digest(),
          falsify.contains(i) ? java.util.Arrays.copyOf(bytes, bytes.length / 2) : bytes);
    }
    put(archive, image.config().digest(), image.config().bytes());
    put(archive, image.manifest().digest(), image.manifest().bytes());
    archive.file(
        "oci-layout", 0644, "{\"imageLayoutVersion\":\"1.0.0\"}".getBytes(StandardCharsets.UTF_8));
    String annotations =
        ",\"annotations\":{\"io.containerd.image.name\":\"%s\",\"org.opencontainers.image.ref.name\":\"%s\"}"
            .formatted(name, name.substring(name.lastIndexOf(':') + 1));
    archive.file(
        "index.json",
        0644,
        ("{\"schemaVersion\":2,\"manifests\":[" + image.manifest().descriptor(annotations) + "]}")
            .getBytes(StandardCharsets.UTF_8));
    Path file = folder.resolve("image-" + image.manifest().digest().substring(7, 19) + ".tar");
    try {
      return Files.write(file, archive.bytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void put(Tar archive, String digest, byte[] bytes) {
    archive.file("blobs/" + digest.replace(':', '/'), 0644, bytes);
  }

  /** The tar of a root file system with busybox and its applets. */
  static byte[] layer() {
    try {
      Tar tar = new Tar();
      for (String folder :
          List.of("bin/", "etc/", "tmp/", "proc/", "sys/", "dev/", "root/", "home/", "var/")) {
        tar.folder(folder, folder.equals("tmp/") ? 01777 : 0755);
      }
      tar.file("bin/busybox", 0755, Files.readAllBytes(Path.of("/bin/busybox")));
      APPLETS.stream().distinct().forEach(applet -> tar.symlink("bin/" + applet, "busybox"));
      tar.file(
          "etc/passwd",
          0644,
          "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\nann:x:1000:1000::/home:/bin/sh\n"
              .getBytes(StandardCharsets.UTF_8));
      tar.file(
          "etc/group",
          0644,
          "root:x:0:\nwheel:x:10:root,ann\nann:x:1000:\n".getBytes(StandardCharsets.UTF_8));
      tar.file("etc/not-executable", 0644, "text".getBytes(StandardCharsets.UTF_8));
      return tar.bytes();
    } catch (IOException e) {
      throw new UncheckedIOException("read /bin/busybox (Debian: busybox-static)", e);
    }
  }

  /** A root file system as a folder. */
  static Path rootfs(Path folder) throws IOException {
    for (String name : List.of("bin", "etc", "tmp", "proc", "sys", "dev", "root")) {
      Files.createDirectories(folder.resolve(name));
    }
    Files.copy(Path.of("/bin/busybox"), folder.resolve("bin/busybox"));
    folder.resolve("bin/busybox").toFile().setExecutable(true, false);
    for (String applet : APPLETS.stream().distinct().toList()) {
      Files.createSymbolicLink(folder.resolve("bin").resolve(applet), Path.of("busybox"));
    }
    return folder;
  }

  static String architecture() {
    return System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A writer of ustar archives (POSIX.1-1988), also of names that no honest one writes. */
  static final class Tar {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Tar file(String name, int mode, byte[] content) {
      entry(name, mode, '0', "", content);
      return this;
    }

    Tar folder(String name, int mode) {
      entry(name, mode, '5', "", new byte[0]);
      return this;
    }

    Tar symlink(String name, String target) {
      entry(name, 0777, '2', target, new byte[0]);
      return this;
    }

    Tar hardLink(String name, String target) {
      entry(name, 0644, '1', target, new byte[0]);
      return this;
    }

    private void entry(String name, int mode, char type, String link, byte[] content) {
      byte[] header = new byte[512];
      put(header, 0, name);
      put(header, 100, String.format("%07o", mode));
      put(header, 108, "0000000");
      put(header, 116, "0000000");
      put(header, 124, String.format("%011o", content.length));
      put(header, 136, String.format("%011o", 1_700_000_000L));
      java.util.Arrays.fill(header, 148, 156, (byte) ' ');
      header[156] = (byte) type;
      put(header, 157, link);
      put(header, 257, "ustar");
      header[263] = '0';
      header[264] = '0';
      int sum = 0;
      for (byte b : header) {
        sum += b & 0xff;
      }
      put(header, 148, String.format("%06o", sum));
      header[154] = 0;
      header[155] = ' ';
      out.writeBytes(header);
      out.writeBytes(content);
      out.writeBytes(new byte[(512 - content.length % 512) % 512]);
    }

    private static void put(byte[] header, int at, String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      System.arraycopy(bytes, 0, header, at, bytes.length);
    }

    byte[] bytes() {
      byte[] body = out.toByteArray();
      byte[] result = java.util.Arrays.copyOf(body, body.length + 1024);
      return result;
    }
  }
}
