/** Health checks: merging, the state machine, and the clockwork with a scripted prober. */
package io.berth.containerd.health;
