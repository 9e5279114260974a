package io.berth.image;

import dagger.BindsInstance;
import dagger.Component;
import io.berth.base.config.Config;
import jakarta.inject.Singleton;
import java.time.InstantSource;

/** Makes the objects of the whole service. */
@Singleton
@Component(modules = {ImageModule.class, ImageEndpoints.class})
public interface ImageComponent {
  /** The service, which is not started yet. */
  ImageDaemon daemon();

  /** Takes what the service has from outside. */
  @Component.Factory
  interface Factory {
    ImageComponent create(@BindsInstance Config config, @BindsInstance InstantSource clock);
  }
}
