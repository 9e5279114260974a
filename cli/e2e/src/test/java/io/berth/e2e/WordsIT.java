package io.berth.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Words as people type them, from a shell of any locale, come where they are meant to. */
@Tag("root")
final class WordsIT {
  @RegisterExtension static final BerthInstance berth = new BerthInstance(BerthInstance.COLD);

  @BeforeAll
  static void image() throws Exception {
    Path layer = BusyboxImage.archive(berth.folder("image"));
    berth.berth("load", "-i", layer.toString()).exits(0);
  }

  @AfterEach
  void removeAll() {
    for (String id : berth.berth("ps", "-aq").exits(0).out().lines().toList()) {
      berth.berth("rm", "-f", "-v", id).exits(0);
    }
    for (String name : berth.berth("volume", "ls", "-q").exits(0).out().lines().toList()) {
      berth.berth("volume", "rm", name).exits(0);
    }
  }

  /** Runs a script in which {@code b} is our command line, with these variables. */
  private static Command shell(Map<String, String> variables, String script) {
    String begin =
        "b() { '" + berth.libexec() + "/bin/berth' --config '" + berth.config() + "' \"$@\"; }\n";
    return Command.run(List.of("bash", "-c", begin + script), new byte[0], variables);
  }

  /** Case L4. */
  @Test
  void aVariableThatTheCallerDoesNotHaveIsTakenAway() {
    String image = BusyboxImage.NAME;
    String run = "b run --rm --network none ";
    // A shell would set the variable itself.
    String show = image + " env | grep HOSTNAME || echo unset\n";
    assertEquals(
        "HOSTNAME=given\nHOSTNAME=own\nunset\nHOSTNAME=\n",
        shell(
                Map.of(),
                "unset HOSTNAME\n"
                    + run
                    + "-e HOSTNAME=given "
                    + show
                    + "export HOSTNAME=own\n"
                    + run
                    + "-e HOSTNAME "
                    + show
                    + "unset HOSTNAME\n"
                    + run
                    + "-e HOSTNAME "
                    + show
                    + "export HOSTNAME=\n"
                    + run
                    + "-e HOSTNAME "
                    + show)
            .exits(0)
            .out());
  }

  /** Case L21: names are UTF-8 whatever the caller's locale, and its variables are its own. */
  @Test
  void theLocaleChangesNoName() throws Exception {
    String folder = berth.folder("names").toString();
    String umlaut = "u=$(printf '\\303\\274')\ncd '" + folder + "'\n";
    Command said =
        shell(
                Map.of("LC_ALL", "C"),
                umlaut
                    + "mkdir \"$u x\"; echo file >\"$u x/$u\"; echo copied >\"$u\"\n"
                    + "printf 'B=%s\\n' \"$u\" >env\n"
                    + "b run --name cc --network none -e \"A=$u\" -e LC_ALL --env-file env"
                    + " -v \"$PWD/$u x:/$u\" "
                    + BusyboxImage.NAME
                    + " sh -c 'echo $A $B $LC_ALL $1; cat /$1/$1' sh \"$u\" || exit\n"
                    + "b cp \"$u\" \"cc:/$u$u\" && b cp \"cc:/$u$u\" back && cat back\n")
            .exits(0);
    assertEquals("ü ü C ü\nfile\ncopied\n", said.out());
  }

  /** Case L21: bytes that are no text are refused by name, and never replaced. */
  @Test
  void bytesThatAreNoTextAreRefused() {
    String image = BusyboxImage.NAME;
    String script = "r=$(printf '\\377')\nexport RAW=\"x$r\"\n";
    Command argument = shell(Map.of(), script + "b run --rm " + image + " echo \"a$r\"");
    argument.exits(125).says("berth: argument `a\\xff`: is not UTF-8");
    Command variable = shell(Map.of(), script + "b run --rm -e RAW " + image + " true");
    variable.exits(125).says("-e `RAW`: the value `x\\xff` is not UTF-8");
    assertEquals("", berth.berth("ps", "-aq").exits(0).out());
  }

  /** Case L22: what execve(2) takes, a container takes. */
  @Test
  void longLinesRun() {
    String image = BusyboxImage.NAME;
    String script =
        "a=$(head -c 130000 /dev/zero | tr '\\0' x)\n"
            + "line=(); for i in $(seq 9); do line+=(\"$a\"); done\n"
            + "b run --rm --network none "
            + image
            + " sh -c 'echo $# ${#9}' sh \"${line[@]}\" || exit\n"
            + "line=(); for i in $(seq 15); do line+=(-e \"V$i=$a\"); done\n"
            + "b run --rm --network none \"${line[@]}\" "
            + image
            + " sh -c 'echo ${#V1} ${#V15}'\n";
    assertEquals("9 130000\n130000 130000\n", shell(Map.of(), script).exits(0).out());
  }

  /** Case L14, in every list. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "ps --filter status=bogus",
        "ps --filter health=ill",
        "ps --filter colour=red",
        "ps --filter until=PT1H",
        "images --filter dangling=maybe",
        "images --filter colour=red",
        "volume ls --filter dangling=maybe",
        "volume ls --filter colour=red",
        "network ls --filter type=own",
        "network ls --filter dangling=maybe",
        "network ls --filter colour=red"
      })
  void aFilterThatCannotFitIsRefused(String line) {
    Command refused = berth.words(line).exits(1);
    assertEquals("", refused.out());
    assertEquals(1, refused.err().lines().count());
    assertTrue(refused.err().startsWith("berth: filter "), refused.err());
  }

  @Test
  void filtersNarrowEveryList() {
    berth.berth("volume", "create", "-l", "k=1", "my__vol").exits(0);
    assertEquals("my__vol\n", berth.words("volume ls -q --filter label=k=1").exits(0).out());
    assertEquals("", berth.words("volume ls -q --filter label!=k").exits(0).out());
    assertEquals("my__vol\n", berth.words("volume ls -q --filter name=^my").exits(0).out());
    assertEquals("", berth.words("images -q --filter dangling=true").exits(0).out());
    assertEquals("", berth.words("network ls -q --filter type=custom").exits(0).out());
  }

  /** Case L26. */
  @Test
  void namesOfVolumesAreDockers() {
    for (String name : List.of("my__vol", "vol_", "a", "x".repeat(255))) {
      assertEquals(name + "\n", berth.berth("volume", "create", name).exits(0).out());
      berth
          .berth("run", "--rm", "--network", "none", "-v", name + ":/v", BusyboxImage.NAME, "true")
          .exits(0);
    }
    berth.berth("volume", "create", "_x").exits(1).says("`_x`");
  }

  /** Case L25. */
  @Test
  void processorsThatThereAreNotAreNamed() {
    Command refused =
        berth.berth(
            "run", "--cpuset-cpus", "99999", "--network", "none", BusyboxImage.NAME, "true");
    refused.exits(125).says("requested 99999, available 0");
  }
}
