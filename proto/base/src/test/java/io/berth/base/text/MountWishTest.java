package io.berth.base.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.berth.testing.Property;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Mounts, and the names of volumes. */
final class MountWishTest {
  @ParameterizedTest
  @CsvSource({
    "/a:/b, bind|/a|/b|false",
    "/a:/b:ro, bind|/a|/b|true",
    "data:/b, volume|data|/b|false",
    "d:/b, volume|d|/b|false",
    "my__vol:/b, volume|my__vol|/b|false",
    "vol_:/b, volume|vol_|/b|false",
    "/only, volume||/only|false",
    "./x:/b, bind|/work/x|/b|false",
    "../x:/b, bind|/x|/b|false",
    "/tmp/ü x:/ü, bind|/tmp/ü x|/ü|false"
  })
  void volumes(String word, String expected) {
    MountWish mount = MountWish.volume(word, Path.of("/work"));
    assertEquals(
        expected,
        mount.type() + "|" + mount.source() + "|" + mount.target() + "|" + mount.readOnly());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "a:b",
        "/a:b",
        "/a:/",
        "/a:/x/..",
        "/a:/b:xx",
        "/a:/b:ro:x",
        "a/b:/c",
        ":/b",
        "_v:/b"
      })
  void noVolumes(String word) {
    Junk.refuses(() -> MountWish.volume(word, Path.of("/work")));
  }

  private static MountWish mount(String word) {
    return MountWish.mount(word, Path.of("/work"));
  }

  /** A bind of {@code --mount} asks that nothing be made where its source is missing. */
  @Test
  void typedMounts() {
    assertEquals(
        new MountWish("bind", "/a", "/b", true, List.of("rslave", "nocreate")),
        mount("type=bind,src=/a,dst=/b,readonly,bind-propagation=rslave"));
    assertEquals(
        new MountWish("tmpfs", "", "/t", false, List.of("size=65536", "mode=1770")),
        mount("type=tmpfs,dst=/t,tmpfs-size=64k,tmpfs-mode=1770"));
    assertEquals(
        new MountWish("bind", "/work/a", "/b", false, List.of("nocreate")),
        mount("Type=bind,src=./a,dst=/b,ro=false,consistency=cached"));
  }

  /** Case N14. */
  @Test
  void fieldsOfAMountMayStandInQuotes() {
    assertEquals(
        new MountWish("bind", "/a,b", "/c\"d", false, List.of("nocreate")),
        mount("type=bind,\"src=/a,b\",\"dst=/c\"\"d\""));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "type=bind,dst=/b",
        "type=x,dst=/b",
        "src=a",
        "type=tmpfs,src=/a,dst=/b",
        "a",
        "",
        "type=bind,src=/a,dst=/b,readonly=maybe",
        "type=bind,src=/a,dst=/b,volume-nocopy",
        "type=tmpfs,dst=/b,tmpfs-mode=rwx",
        "type=bind,src=/a\"b,dst=/b",
        "type=bind,\"src=/a,dst=/b",
        "type=bind,\"src=/a\"x,dst=/b",
        "type=bind,src=/a,dst",
        "type=bind,src=/a,dst=/b,"
      })
  void noTypedMounts(String word) {
    Junk.refuses(() -> mount(word));
  }

  @Test
  void mountsGiveWhatTheyWereMadeOf() {
    Property.holds(
        Junk.ROUNDS,
        draw -> {
          String source = "/" + draw.junk("a", "/", ",", "\"", "=", "ü", " ");
          String target = "/t" + draw.junk("a", "/", ",", "\"", "=", "ü", " ").replace("..", "");
          boolean readOnly = draw.oneOf(true, false);
          String word =
              "type=bind,"
                  + quoted("src=" + source)
                  + ","
                  + quoted("dst=" + target)
                  + (readOnly ? draw.oneOf(",ro", ",readonly=1") : draw.oneOf("", ",ro=0"));
          assertEquals(
              new MountWish("bind", source, target, readOnly, List.of("nocreate")), mount(word));
        });
  }

  private static String quoted(String field) {
    return "\"" + field.replace("\"", "\"\"") + "\"";
  }

  @Test
  void memoryFileSystems() {
    assertEquals(
        new MountWish("tmpfs", "", "/run", true, List.of("size=64k", "mode=700")),
        MountWish.tmpfs("/run:size=64k,mode=700,ro"));
  }

  @Test
  void junkIsNoMount() {
    Path work = Path.of("/work");
    String[] pieces = {
      "type=",
      "bind",
      "volume",
      "tmpfs",
      "src=",
      "dst=",
      "/a",
      ",",
      "\"",
      "ro",
      "=",
      "./",
      ":",
      "\0",
      "tmpfs-size=",
      "volume-nocopy"
    };
    Junk.takes(word -> MountWish.mount(word, work), pieces);
    Junk.takes(word -> MountWish.volume(word, work), pieces);
    Junk.takes(word -> MountWish.tmpfs(word), pieces);
  }

  /** Case L26. */
  @Test
  void namesOfVolumesAreDockers() {
    for (String name : List.of("a", "my__vol", "vol_", "a.-_.b", "x".repeat(255))) {
      assertEquals(name, VolumeName.check(name));
    }
    for (String name : List.of("", "_a", "..", ".", "a/b", "a b", "ä", "x".repeat(256), "a\n")) {
      Junk.refuses(() -> VolumeName.check(name));
    }
    Junk.takes(VolumeName::check, "a", "_", ".", "-", "/");
  }
}
