package io.berth.containerd.api;

import io.berth.api.berth.container.v1.KernelFeature;
import io.berth.api.berth.container.v1.ListFeaturesResponse;
import java.util.Arrays;
import java.util.List;

/** The table of what kernels differ in, in the wire's words. */
final class FeatureAnswers {
  private FeatureAnswers() {}

  /** As this process found it; the other services run on the same kernel. */
  static ListFeaturesResponse all() {
    return ListFeaturesResponse.newBuilder()
        .addAllFeatures(
            Arrays.stream(io.berth.linux.KernelFeature.values()).map(FeatureAnswers::of).toList())
        .build();
  }

  private static KernelFeature of(io.berth.linux.KernelFeature feature) {
    return KernelFeature.newBuilder()
        .setName(feature.text())
        .setSince(feature.since())
        .setPresence(
            switch (feature.presence()) {
              case YES -> KernelFeature.Presence.YES;
              case NO -> KernelFeature.Presence.NO;
              case TAKEN_AWAY -> KernelFeature.Presence.TAKEN_AWAY;
            })
        .setNeed(
            switch (feature.need()) {
              case REPLACED -> KernelFeature.Need.REPLACED;
              case ASKED -> KernelFeature.Need.ASKED;
              case NEEDED -> KernelFeature.Need.NEEDED;
            })
        .setWithout(feature.otherwise())
        .build();
  }

  /** A line for each that no kernel may lack and this one does. */
  static List<String> warnings() {
    return io.berth.linux.KernelFeature.missing().stream()
        .map(feature ->
            "this kernel has no %s, which Linux has since %s: %s"
                .formatted(feature.text(), feature.since(), feature.otherwise()))
        .toList();
  }
}
