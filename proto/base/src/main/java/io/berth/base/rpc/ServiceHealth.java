package io.berth.base.rpc;

import io.grpc.BindableService;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;

/**
 * {@code grpc.health.v1.Health} as containerd's clients expect it: the empty name is SERVING, an
 * unknown one NOT_FOUND. The name {@code warmed} tells whether the rest of the warm-up is over.
 */
public final class ServiceHealth {
  private final HealthStatusManager statuses = new HealthStatusManager();

  public ServiceHealth() {
    statuses.setStatus("warmed", ServingStatus.NOT_SERVING);
  }

  /** The endpoint of {@code grpc.health.v1}. */
  public BindableService service() {
    return statuses.getHealthService();
  }

  /** Reflection over the services of the server it is added to. */
  public static BindableService reflection() {
    return ProtoReflectionServiceV1.newInstance();
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
