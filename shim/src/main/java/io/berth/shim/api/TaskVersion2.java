package io.berth.shim.api;

import io.berth.api.containerd.task.v3.TaskGrpc;
import io.grpc.MethodDescriptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;

/**
 * {@code containerd.task.v2.Task}: methods and messages are those of version 3 byte for byte, only
 * the package differs; so the same endpoint answers under another name.
 */
final class TaskVersion2 {
  private static final String NAME = "containerd.task.v2.Task";

  private TaskVersion2() {}

  static ServerServiceDefinition of(TaskGrpc.TaskImplBase endpoint) {
    ServerServiceDefinition.Builder builder = ServerServiceDefinition.builder(NAME);
    for (ServerMethodDefinition<?, ?> method : endpoint.bindService().getMethods()) {
      builder.addMethod(renamed(method));
    }
    return builder.build();
  }

  private static <Q, A> ServerMethodDefinition<Q, A> renamed(ServerMethodDefinition<Q, A> method) {
    MethodDescriptor<Q, A> descriptor = method.getMethodDescriptor();
    return ServerMethodDefinition.create(
        descriptor.toBuilder()
            .setFullMethodName(
                MethodDescriptor.generateFullMethodName(
                    NAME, String.valueOf(descriptor.getBareMethodName())))
            .setSchemaDescriptor(null)
            .build(),
        method.getServerCallHandler());
  }
}
