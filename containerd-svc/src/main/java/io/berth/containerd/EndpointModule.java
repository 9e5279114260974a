package io.berth.containerd;

import dagger.Binds;
import dagger.Module;
import dagger.multibindings.IntoSet;
import io.berth.containerd.api.ContainerMessages;
import io.berth.containerd.api.ContainersEndpoint;
import io.berth.containerd.api.EngineEventsEndpoint;
import io.berth.containerd.api.EventsEndpoint;
import io.berth.containerd.api.IntrospectionEndpoint;
import io.berth.containerd.api.NamedContainersEndpoint;
import io.berth.containerd.api.NamespacesEndpoint;
import io.berth.containerd.api.OccurrenceMessages;
import io.berth.containerd.api.RuncOptions;
import io.berth.containerd.api.TasksEndpoint;
import io.berth.containerd.api.TimingsEndpoint;
import io.berth.containerd.api.VersionEndpoint;
import io.berth.containerd.api.message.DescriptionMessages;
import io.berth.containerd.client.ForwardedProtocol;
import io.berth.containerd.event.PayloadCodec;
import io.berth.containerd.front.ForwardedMessages;
import io.berth.containerd.metadata.RecordCodec;
import io.berth.containerd.settings.DescriptionCodec;
import io.berth.containerd.task.RuntimeOptions;
import io.grpc.BindableService;

/** What is served, and who translates what the domain keeps, tells and forwards. */
@Module
interface EndpointModule {
  @Binds
  @IntoSet
  BindableService containers(ContainersEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService namedContainers(NamedContainersEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService timings(TimingsEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService tasks(TasksEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService events(EventsEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService engineEvents(EngineEventsEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService namespaces(NamespacesEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService introspection(IntrospectionEndpoint endpoint);

  @Binds
  @IntoSet
  BindableService version(VersionEndpoint endpoint);

  @Binds
  RecordCodec records(ContainerMessages messages);

  @Binds
  ForwardedMessages forwarded(ForwardedProtocol protocol);

  @Binds
  PayloadCodec payloads(OccurrenceMessages messages);

  @Binds
  RuntimeOptions runtimeOptions(RuncOptions options);

  @Binds
  DescriptionCodec descriptions(DescriptionMessages messages);
}
