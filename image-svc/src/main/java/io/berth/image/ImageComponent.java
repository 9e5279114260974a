package io.berth.image;

import dagger.BindsInstance;
import dagger.Component;
import io.berth.base.config.Config;
import jakarta.inject.Singleton;
import java.time.InstantSource;

/** The whole service. */
@Singleton
@Component(modules = {ImageModule.class, ImageEndpoints.class})
public interface ImageComponent {
  /** To be started. */
  ImageDaemon daemon();

  /** Takes the outside world. */
  @Component.Factory
  interface Factory {
    ImageComponent create(@BindsInstance Config config, @BindsInstance InstantSource clock);
  }
}
