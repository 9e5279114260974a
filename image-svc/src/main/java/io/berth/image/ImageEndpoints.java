package io.berth.image;

import dagger.Binds;
import dagger.Module;
import dagger.multibindings.IntoSet;
import io.berth.image.api.ContentEndpoint;
import io.berth.image.api.DiffEndpoint;
import io.berth.image.api.ImagesEndpoint;
import io.berth.image.api.LeasesEndpoint;
import io.berth.image.api.LibraryEndpoint;
import io.berth.image.api.OutboxEndpoint;
import io.berth.image.api.RootfsEndpoint;
import io.berth.image.api.SnapshotsEndpoint;
import io.berth.image.api.VolumesEndpoint;
import io.grpc.BindableService;

/** The gRPC services that are served on the socket. */
@Module
interface ImageEndpoints {
  @Binds
  @IntoSet
  BindableService content(ContentEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService images(ImagesEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService snapshots(SnapshotsEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService diff(DiffEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService leases(LeasesEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService outbox(OutboxEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService library(LibraryEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService rootfs(RootfsEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService volumes(VolumesEndpoint endpoint);
}
