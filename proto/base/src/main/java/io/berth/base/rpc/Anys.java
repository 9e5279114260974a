package io.berth.base.rpc;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.berth.base.error.BerthException;

/**
 * {@link Any} as containerd has it: the type url is the bare full name, and OCI documents travel as
 * JSON under urls of their own.
 *
 * <p>protobuf-java's own pack and unpack add and demand a prefix; nothing else in the project uses
 * them.
 */
public final class Anys {
  /** The type url of an OCI runtime specification in JSON. */
  public static final String SPEC = "types.containerd.io/opencontainers/runtime-spec/1/Spec";

  /** The type url of the process of such a specification in JSON. */
  public static final String PROCESS = "types.containerd.io/opencontainers/runtime-spec/1/Process";

  /** The type url of the Linux resources of such a specification in JSON. */
  public static final String LINUX_RESOURCES =
      "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

  /**
   * Between containerd-svc and a shim: the process is too long for a message, and lies in the
   * task's folder as {@code exec/ID.spec}. Without a value; the shim removes the file.
   */
  public static final String PROCESS_FILE = "berth.shim.v1.ProcessFile";

  private Anys() {}

  /** Packs a message under its full name. */
  public static Any pack(Message message) {
    return of(message.getDescriptorForType().getFullName(), message.toByteString());
  }

  /** Packs bytes under a type url. */
  public static Any of(String typeUrl, ByteString value) {
    return Any.newBuilder().setTypeUrl(typeUrl).setValue(value).build();
  }

  /** Whether a message of this full name is inside, whatever prefix the url has. */
  public static boolean is(Any any, String fullName) {
    String url = any.getTypeUrl();
    return url.substring(url.lastIndexOf('/') + 1).equals(fullName);
  }

  /** INVALID_ARGUMENT when something else, or nothing readable, is inside. */
  public static <T extends MessageLite> T unpack(Any any, String fullName, Parser<T> parser) {
    if (!is(any, fullName)) {
      throw new BerthException.InvalidArgument(
          "read `" + any.getTypeUrl() + "`: expected " + fullName);
    }
    try {
      return parser.parseFrom(any.getValue());
    } catch (InvalidProtocolBufferException e) {
      throw new BerthException.InvalidArgument(
          "read `" + any.getTypeUrl() + "`: " + e.getMessage(), e);
    }
  }
}
