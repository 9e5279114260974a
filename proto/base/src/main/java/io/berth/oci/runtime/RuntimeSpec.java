package io.berth.oci.runtime;

import io.berth.base.error.BerthException;
import io.berth.base.json.Json;
import io.berth.base.json.Values;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * {@code config.json} of a bundle.
 *
 * @param ociVersion as it was sent; see {@link #checkVersion}
 * @param process null only where a container is never started
 * @param hostname empty: the namespace's own stays
 */
public record RuntimeSpec(
    String ociVersion,
    @Nullable ProcessSpec process,
    @Nullable Root root,
    String hostname,
    String domainname,
    List<Mount> mounts,
    Hooks hooks,
    Map<String, String> annotations,
    Linux linux) {
  private static final Pattern VERSION = Pattern.compile("1\\.\\d+\\.\\d+([-+].*)?");

  public RuntimeSpec {
    ociVersion = Values.text(ociVersion);
    hostname = Values.text(hostname);
    domainname = Values.text(domainname);
    mounts = Values.copy(mounts);
    hooks = hooks == null ? Hooks.NONE : hooks;
    annotations = Values.copy(annotations);
    linux = linux == null ? Linux.NONE : linux;
  }

  /**
   * INVALID_ARGUMENT unless the document is of a version 1: of another one nobody knows yet what
   * its fields mean.
   */
  public void checkVersion() {
    if (!VERSION.matcher(ociVersion).matches()) {
      throw new BerthException.InvalidArgument(
          ociVersion.isEmpty()
              ? "specification: `ociVersion` is missing; write 1.0.2"
              : "specification: ociVersion `" + ociVersion + "` is not known; versions 1.x.y are");
    }
  }

  /**
   * INVALID_ARGUMENT, naming `what`, when the bytes are no such document, and UNIMPLEMENTED when it
   * sets a field that is not built.
   */
  public static RuntimeSpec read(byte[] bytes, String what) {
    SpecFields.check(bytes, "", what);
    return Json.read(bytes, RuntimeSpec.class, what);
  }

  /** The folder that becomes `/`; a relative path starts at the bundle. */
  public record Root(String path, boolean readonly) {
    public Root {
      path = Values.text(path);
    }
  }

  /**
   * Something mounted inside.
   *
   * @param type empty where the options say bind
   */
  public record Mount(
      String destination,
      String type,
      String source,
      List<String> options,
      List<IdMapping> uidMappings,
      List<IdMapping> gidMappings) {
    public Mount {
      destination = Values.text(destination);
      type = Values.text(type);
      source = Values.text(source);
      options = Values.copy(options);
      uidMappings = Values.copy(uidMappings);
      gidMappings = Values.copy(gidMappings);
    }
  }

  /** A run of ids: `size` of them from `containerID` on are `hostID` and following outside. */
  public record IdMapping(long containerID, long hostID, long size) {}

  /** Programs run at points of a container's life. */
  public record Hooks(
      List<Hook> prestart,
      List<Hook> createRuntime,
      List<Hook> createContainer,
      List<Hook> startContainer,
      List<Hook> poststart,
      List<Hook> poststop) {
    /** Nothing to run. */
    public static final Hooks NONE =
        new Hooks(List.of(), List.of(), List.of(), List.of(), List.of(), List.of());

    public Hooks {
      prestart = Values.copy(prestart);
      createRuntime = Values.copy(createRuntime);
      createContainer = Values.copy(createContainer);
      startContainer = Values.copy(startContainer);
      poststart = Values.copy(poststart);
      poststop = Values.copy(poststop);
    }

    /** Whether the host's side has something to do between namespaces and pivot. */
    public boolean stopsCreation() {
      return !prestart.isEmpty() || !createRuntime.isEmpty();
    }
  }

  /**
   * One of them.
   *
   * @param args the program's name first
   * @param timeout seconds; null for none
   */
  public record Hook(String path, List<String> args, List<String> env, @Nullable Integer timeout) {
    public Hook {
      path = Values.text(path);
      args = Values.copy(args);
      env = Values.copy(env);
    }
  }
}
