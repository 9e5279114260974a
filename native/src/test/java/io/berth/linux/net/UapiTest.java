package io.berth.linux.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The numbers of {@link Uapi} are those of the headers of the machine that runs the test. */
final class UapiTest {
  private static final String INCLUDES =
      """
      #define _GNU_SOURCE
      #include <stdio.h>
      #include <sched.h>
      #include <sys/socket.h>
      #include <netinet/in.h>
      #include <linux/netlink.h>
      #include <linux/rtnetlink.h>
      #include <linux/if.h>
      #include <linux/if_link.h>
      #include <linux/if_addr.h>
      #include <linux/veth.h>
      #include <linux/neighbour.h>
      #include <linux/netfilter.h>
      #include <linux/netfilter/nfnetlink.h>
      #include <linux/netfilter/nf_tables.h>
      #include <linux/netfilter/nf_tables_compat.h>
      #include <linux/netfilter/nfnetlink_conntrack.h>
      #include <linux/netfilter/nf_conntrack_common.h>
      #include <linux/inet_diag.h>
      #include <linux/sock_diag.h>
      """;

  @TempDir Path folder;

  @Test
  void everyNumber_isTheHeaders() throws Exception {
    assumeTrue(Files.exists(Path.of("/usr/include/linux/netfilter/nf_tables.h")), "no headers");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "no C compiler");
    Map<String, Integer> ours = new TreeMap<>();
    for (Field field : Uapi.class.getDeclaredFields()) {
      ours.put(field.getName(), field.getInt(null));
    }
    ours.put("sizeof(struct ifinfomsg)", Link.HEADER_BYTES);
    ours.put("sizeof(struct ifaddrmsg)", InterfaceAddress.HEADER_BYTES);
    ours.put("sizeof(struct rtmsg)", Route.HEADER_BYTES);
    ours.put("sizeof(struct nlmsghdr)", NetlinkWriter.HEADER_BYTES);
    ours.put("sizeof(struct inet_diag_msg)", 72);
    ours.put("sizeof(struct inet_diag_sockid)", 48);
    ours.put("sizeof(struct inet_diag_req_v2)", 8 + 48);
    StringBuilder program = new StringBuilder(INCLUDES).append("int main(void) {\n");
    ours.keySet().forEach(name -> program.append("  printf(\"%d\\n\", (int)(" + name + "));\n"));
    program.append("  return 0;\n}\n");
    Path source = folder.resolve("probe.c");
    Files.writeString(source, program);
    run("/usr/bin/gcc", "-w", source.toString(), "-o", folder.resolve("probe").toString());
    String[] numbers = run(folder.resolve("probe").toString()).strip().split("\n", -1);
    int i = 0;
    for (Map.Entry<String, Integer> entry : ours.entrySet()) {
      assertEquals(Integer.parseInt(numbers[i++]), entry.getValue(), entry.getKey());
    }
  }

  private static String run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    return output;
  }
}
