/** Tests of restart policies. */
package io.berth.containerd.restart;
