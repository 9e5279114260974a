package io.berth.oci.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.berth.base.error.BerthException;
import io.berth.base.id.Digest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class DocumentsTest {
  private static final String D = "sha256:" + "0a".repeat(32);

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void manifest_readsAndWrites() {
    Manifest manifest =
        Manifest.read(
            utf8(
                """
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
                 "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%1$s","size":7},
                 "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"%1$s","size":0}],
                 "later":{"unknown":1}}\
                """
                    .formatted(D)),
            "manifest");
    assertEquals(7, manifest.config().size());
    assertEquals(
        MediaTypes.Packing.GZIP, MediaTypes.packing(manifest.layers().getFirst().mediaType()));
    assertEquals(manifest, Manifest.read(manifest.bytes(), "again"));
    assertTrue(new String(manifest.bytes(), StandardCharsets.UTF_8).contains("\"size\":0"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | parse m: manifest without a configuration",
        "{'schemaVersion':1} | parse m: manifest of docker's schema 1 is not supported; push the"
            + " image again with a current client",
        "{'config':{'size':1}} | parse m: descriptor without a digest",
        "{'config':{'digest':'sha256:1','size':1}} | parse m: invalid checksum digest `sha256:1`",
      })
  void manifest_refusesWithOurWords(String json, String message) {
    var e =
        assertThrows(
            BerthException.InvalidArgument.class,
            () -> Manifest.read(utf8(json.replace('\'', '"')), "m"));
    assertEquals(message, e.getMessage());
  }

  @Test
  void config_toleratesNulls() {
    ImageConfig config =
        ImageConfig.read(
            utf8(
                """
                {"created":"2020-01-02T03:04:05.123456789Z","architecture":"amd64","os":"linux",
                 "config":{"Env":null,"Cmd":["sh"],"Volumes":{"/v":{}},"Entrypoint":null,"Labels":{"a":"b"}},
                 "rootfs":{"type":"layers","diff_ids":["%s"]},
                 "history":[{"created_by":"x","empty_layer":true},{"created":"no time"}]}\
                """
                    .formatted(D)),
            "config");
    assertEquals(List.of("sh"), config.config().cmd());
    assertEquals(List.of(), config.config().env());
    assertTrue(config.config().volumes().containsKey("/v"));
    assertEquals("2020-01-02T03:04:05.123456789Z", String.valueOf(config.createdAt()));
    assertTrue(config.history().getFirst().emptyLayer());
    config.checkLayers(1);
    assertThrows(BerthException.InvalidArgument.class, () -> config.checkLayers(2));
  }

  // case I16: docker reads both, and images of its first years have strings.
  @Test
  void config_readsAProgramAsAString() {
    ImageConfig config =
        ImageConfig.read(
            utf8("{\"config\":{\"Cmd\":\"/bin/sh\",\"Entrypoint\":\"/init\"}}"), "config");
    assertEquals(List.of("/bin/sh"), config.config().cmd());
    assertEquals(List.of("/init"), config.config().entrypoint());
  }

  @Test
  void chainId_followsTheSpecification() {
    String a = "sha256:" + "a".repeat(64);
    String b = "sha256:" + "b".repeat(64);
    assertEquals(List.of(a, Digest.sha256(a + " " + b).toString()), ChainId.all(List.of(a, b)));
    assertEquals("", ChainId.of(List.of()));
  }

  @Test
  void platform_choosesTheBestThatRuns() {
    Platform host = Platform.of("linux/arm64");
    List<Platform> offers =
        List.of(
            Platform.of("linux/amd64"),
            Platform.of("linux/arm/v7"),
            Platform.of("linux/arm64/v8"),
            Platform.of("windows/arm64"));
    assertEquals(Optional.of(offers.get(2)), host.choose(offers, p -> p));
    assertEquals(Optional.empty(), Platform.of("linux/s390x").choose(offers, p -> p));
    assertTrue(Platform.of("linux/arm/v7").runs(Platform.of("linux/arm/v6")));
    assertFalse(Platform.of("linux/arm/v6").runs(Platform.of("linux/arm/v7")));
    assertEquals("linux/arm64", Platform.of("linux/aarch64").toString());
    assertThrows(BerthException.InvalidArgument.class, () -> Platform.of("a/b/c/d"));
  }

  @Test
  void mediaTypes_knowLayers() {
    assertTrue(MediaTypes.isLayer(MediaTypes.DOCKER_LAYER_GZIP));
    assertTrue(MediaTypes.isLayer(MediaTypes.OCI_LAYER_FOREIGN + "+zstd"));
    assertTrue(MediaTypes.isForeign(MediaTypes.OCI_LAYER_FOREIGN + "+zstd"));
    assertFalse(MediaTypes.isLayer(MediaTypes.OCI_CONFIG));
  }
}
