package io.berth.base.rpc;

import io.grpc.BindableService;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionService;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.util.List;

/**
 * {@code grpc.health.v1.Health} as containerd's clients expect it: the empty name is SERVING, an
 * unknown one NOT_FOUND. The name {@code warmed} tells whether the rest of the warm-up is over.
 */
public final class ServiceHealth {
  private final HealthStatusManager statuses = new HealthStatusManager();

  public ServiceHealth() {
    statuses.setStatus("warmed", ServingStatus.NOT_SERVING);
  }

  /**
   * What every socket serves beside its own: {@code grpc.health.v1}, and reflection over the
   * services of the server that they are added to, as {@code grpc.reflection.v1} and under its name
   * before 2023, {@code v1alpha}, for which older clients ask.
   */
  @SuppressWarnings("deprecation") // The older name is deprecated and still what many ask for.
  public List<BindableService> services() {
    return List.of(
        statuses.getHealthService(),
        ProtoReflectionServiceV1.newInstance(),
        ProtoReflectionService.newInstance());
  }

  /** Whether the service can do its work; it can until this says otherwise. */
  public void able(boolean now) {
    statuses.setStatus(
        HealthStatusManager.SERVICE_NAME_ALL_SERVICES,
        now ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  }

  /** Tells that the warm-up is over, so that whoever measures can begin. */
  public void warmed() {
    statuses.setStatus("warmed", ServingStatus.SERVING);
  }

  /** Tells clients that the service stops; to be called before the socket closes. */
  public void stopping() {
    statuses.enterTerminalState();
  }
}
