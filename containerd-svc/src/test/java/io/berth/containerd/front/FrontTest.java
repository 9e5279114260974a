package io.berth.containerd.front;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Empty;
import com.google.protobuf.FieldMask;
import io.berth.api.containerd.services.images.v1.ImagesGrpc;
import io.berth.api.containerd.services.images.v1.ListImagesRequest;
import io.berth.api.containerd.services.introspection.v1.IntrospectionGrpc;
import io.berth.api.containerd.services.introspection.v1.Plugin;
import io.berth.api.containerd.services.introspection.v1.PluginInfoRequest;
import io.berth.api.containerd.services.introspection.v1.PluginsRequest;
import io.berth.api.containerd.services.namespaces.v1.CreateNamespaceRequest;
import io.berth.api.containerd.services.namespaces.v1.DeleteNamespaceRequest;
import io.berth.api.containerd.services.namespaces.v1.GetNamespaceRequest;
import io.berth.api.containerd.services.namespaces.v1.Namespace;
import io.berth.api.containerd.services.namespaces.v1.NamespacesGrpc;
import io.berth.api.containerd.services.namespaces.v1.UpdateNamespaceRequest;
import io.berth.api.containerd.services.transfer.v1.TransferGrpc;
import io.berth.api.containerd.services.transfer.v1.TransferRequest;
import io.berth.api.containerd.services.version.v1.VersionGrpc;
import io.berth.base.layout.RootFolders;
import io.berth.base.rpc.UnixChannel;
import io.berth.containerd.fake.Instance;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the one socket answers beside containers and tasks. */
class FrontTest {
  @RegisterExtension final Instance instance = new Instance();

  private static StatusRuntimeException refused(Code code, Executable call) {
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, call);
    assertEquals(code, e.getStatus().getCode(), e.getMessage());
    return e;
  }

  private IntrospectionGrpc.IntrospectionBlockingStub introspection() {
    return IntrospectionGrpc.newBlockingStub(instance.channel()).withWaitForReady();
  }

  @Test
  void plugins_haveTheRowsThatClientsLookFor() {
    List<Plugin> rows =
        introspection()
            .plugins(
                PluginsRequest.newBuilder()
                    .addFilters("type==io.containerd.snapshotter.v1, id==overlayfs")
                    .build())
            .getPluginsList();
    assertEquals(1, rows.size());
    assertFalse(rows.getFirst().hasInitErr());
    assertEquals(
        List.of("no", "always", "on-failure", "unless-stopped"),
        introspection()
            .plugins(PluginsRequest.newBuilder().addFilters("id==restart").build())
            .getPlugins(0)
            .getCapabilitiesList());
    refused(
        Code.NOT_FOUND,
        () ->
            introspection()
                .pluginInfo(PluginInfoRequest.newBuilder().setType("x").setId("y").build()));
  }

  @Test
  void server_keepsItsUuid() throws IOException {
    String first = introspection().server(Empty.getDefaultInstance()).getUuid();
    instance.stop();
    instance.start();
    assertEquals(first, introspection().server(Empty.getDefaultInstance()).getUuid());
    assertEquals(36, first.length());
  }

  /** nerdctl decides by the version whether there is a transfer service. */
  @Test
  void version_isBelowTwo_whileThereIsNoTransferService() {
    String version =
        VersionGrpc.newBlockingStub(instance.channel())
            .version(Empty.getDefaultInstance())
            .getVersion();
    assertTrue(version.matches("1\\.\\d+\\.\\d+.*"), version);
    StatusRuntimeException e =
        refused(
            Code.UNIMPLEMENTED,
            () ->
                TransferGrpc.newBlockingStub(instance.channel())
                    .transfer(TransferRequest.getDefaultInstance()));
    assertTrue(e.getMessage().contains("containerd.services.transfer.v1.Transfer"));
    // case C10: the words say what to do instead.
    assertTrue(e.getMessage().contains("--local"), e.getMessage());
  }

  /** case C7 and Q4: both names of reflection describe what is forwarded as well. */
  @ParameterizedTest
  @ValueSource(strings = {"grpc.reflection.v1", "grpc.reflection.v1alpha"})
  void reflection_describesOwnAndForwardedServices(String name) throws Exception {
    MethodDescriptor<ServerReflectionRequest, ServerReflectionResponse> method =
        ServerReflectionGrpc.getServerReflectionInfoMethod().toBuilder()
            .setFullMethodName(name + ".ServerReflection/ServerReflectionInfo")
            .build();
    for (String service :
        List.of(
            "containerd.services.content.v1.Content",
            "containerd.services.snapshots.v1.Snapshots",
            "containerd.services.tasks.v1.Tasks")) {
      ServerReflectionResponse answer =
          ClientCalls.blockingServerStreamingCall(
                  instance.channel(),
                  method.toBuilder().setType(MethodDescriptor.MethodType.SERVER_STREAMING).build(),
                  CallOptions.DEFAULT,
                  ServerReflectionRequest.newBuilder().setFileContainingSymbol(service).build())
              .next();
      assertTrue(
          answer.getFileDescriptorResponse().getFileDescriptorProtoCount() > 0, answer::toString);
    }
  }

  /** {@code grpc.health.v1} answers for the whole service by the empty name. */
  @Test
  void health_isServing_andUnknownServicesAreNotFound() {
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(instance.channel());
    assertEquals(
        ServingStatus.SERVING, health.check(HealthCheckRequest.getDefaultInstance()).getStatus());
    refused(
        Code.NOT_FOUND,
        () -> health.check(HealthCheckRequest.newBuilder().setService("no.such").build()));
  }

  /** A client of a forwarded service learns which socket does not answer. */
  @Test
  void forwarded_withoutImageService_isUnavailableWithItsSocket() {
    StatusRuntimeException e =
        refused(
            Code.UNAVAILABLE,
            () ->
                UnixChannel.in(ImagesGrpc.newBlockingStub(instance.channel()), "default", null)
                    .list(ListImagesRequest.getDefaultInstance()));
    assertTrue(e.getMessage().contains("image.sock"), e.getMessage());
  }

  /** Modes that somebody opened are closed again at the next start. */
  @Test
  void foldersOfContainers_areForRootOnly() throws IOException {
    Path containers = new RootFolders(instance.config.root()).containers();
    Files.setPosixFilePermissions(containers, PosixFilePermissions.fromString("rwxrwxrwx"));
    instance.stop();
    instance.start();
    assertEquals(
        "rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(containers)));
  }

  @Test
  void namespaces_areMadeChangedAndAskedFor() {
    NamespacesGrpc.NamespacesBlockingStub stub =
        NamespacesGrpc.newBlockingStub(instance.channel()).withWaitForReady();
    // Clients ask for a namespace before anything is made in it.
    assertEquals(
        Map.of(),
        stub.get(GetNamespaceRequest.newBuilder().setName("fresh").build())
            .getNamespace()
            .getLabelsMap());
    CreateNamespaceRequest create =
        CreateNamespaceRequest.newBuilder()
            .setNamespace(Namespace.newBuilder().setName("fresh").putLabels("a", "1"))
            .build();
    var _ = stub.create(create);
    refused(Code.ALREADY_EXISTS, () -> stub.create(create));
    var _ =
        stub.update(
            UpdateNamespaceRequest.newBuilder()
                .setNamespace(Namespace.newBuilder().setName("fresh").putLabels("x.y/z", "2"))
                .setUpdateMask(FieldMask.newBuilder().addPaths("labels.x.y/z"))
                .build());
    assertEquals(
        Map.of("a", "1", "x.y/z", "2"),
        stub.get(GetNamespaceRequest.newBuilder().setName("fresh").build())
            .getNamespace()
            .getLabelsMap());
    refused(
        Code.INVALID_ARGUMENT,
        () ->
            stub.update(
                UpdateNamespaceRequest.newBuilder()
                    .setNamespace(Namespace.newBuilder().setName("fresh"))
                    .setUpdateMask(FieldMask.newBuilder().addPaths("name"))
                    .build()));
    refused(
        Code.INVALID_ARGUMENT,
        () ->
            stub.create(
                CreateNamespaceRequest.newBuilder()
                    .setNamespace(Namespace.newBuilder().setName("a/b"))
                    .build()));
    refused(
        Code.NOT_FOUND,
        () -> stub.delete(DeleteNamespaceRequest.newBuilder().setName("never").build()));
    // Only image-svc knows whether the namespace is empty, and it does not run.
    refused(
        Code.UNAVAILABLE,
        () -> stub.delete(DeleteNamespaceRequest.newBuilder().setName("fresh").build()));
  }
}
